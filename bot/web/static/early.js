// Runs before the page is drawn: its theme, so that nothing flashes, and the stream's line, so that data comes while
// the modules load. `main.js` takes both over.

(() => {
  const socket = new WebSocket(new URL("/ws/heatmap", location.href.replace(/^http/, "ws")));
  const asked = new URLSearchParams(location.search);
  const kept = (name) => {
    try { return localStorage.getItem(`liqwatch.${name}`); } catch { return null; }
  };
  const pick = (name, allowed, usual) => [asked.get(name), kept(name), usual].find((value) => allowed.includes(value));

  const theme = pick("theme", ["auto", "dark", "light"], "auto");
  const dark = theme === "auto" ? !matchMedia("(prefers-color-scheme: light)").matches : theme === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";

  const named = (asked.get("symbol") ?? kept("symbol") ?? "BTC").toUpperCase().replace(/[^A-Z0-9]/g, "");
  const symbol = /^[A-Z0-9]{2,24}$/.test(named) ? named.replace(/(USDT)?$/, "USDT") : "BTCUSDT";
  const span = pick("window", ["12h", "24h", "3d", "7d", "30d"], "24h");
  const own = ["interval", "exchanges", "leverage"].some((name) => asked.has(name));

  const early = { symbol, window: span, theme, heard: [], subscribed: false, socket: null, decoded: new WeakMap() };
  window.__liqwatch = { early, firstFrameMs: null, state: "connecting", frames: 0 };
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    early.heard.push(data);
    if (data instanceof ArrayBuffer) early.decoded.set(data, import("/static/decode.js").then(({ decode }) => decode(data)));
  };
  socket.onopen = () => {
    const names = [...(own ? [] : [`heatmap:${symbol}:${span}`]), `market:${symbol}`];
    for (const channel of names) socket.send(JSON.stringify({ type: "subscribe", channel, id: channel }));
    early.subscribed = true;
  };
  early.socket = socket;
})();
