// The page: put the parts together, keep the address in step, and say how things stand.

import { Chart } from "./chart.js";
import { Stream } from "./stream.js";
import { base, moment, percent, price as priceText, usd } from "./format.js";
import { byId, el, markRadio, memory, radioGroup } from "./dom.js";
import { distanceOf } from "./zones.js";

const WINDOW_WORDS = { "12h": "12 hours", "24h": "24 hours", "3d": "3 days", "7d": "7 days", "30d": "30 days" };
const PATIENCE_MS = 12_000;
const EMPTY_MS = 5_000;

const asked = new URLSearchParams(location.search);
const chosen = {
  symbol: (asked.get("symbol") ?? memory.get("symbol") ?? "BTCUSDT").toUpperCase(),
  window: asked.get("window") ?? memory.get("window") ?? "24h",
};
if (!/^[A-Z0-9]{2,24}$/.test(chosen.symbol)) chosen.symbol = "BTCUSDT";
if (!/USDT$/.test(chosen.symbol)) chosen.symbol += "USDT";
if (!(chosen.window in WINDOW_WORDS)) chosen.window = "24h";

const page = (window.__liqwatch = { firstFrameMs: null, state: "connecting", frames: 0 });
let market = {};
let live = true;
let about = "";

const chart = new Chart(byId("chart"), { point: showPoint });
const stream = new Stream({
  hello: showHello, snapshot: showSnapshot, columns: showColumns, facts: showFacts, clock: showSource,
  error: showError, state: showState,
});
stream.follow(chosen.symbol, chosen.window);
let patience = setTimeout(waitedLong, PATIENCE_MS);

document.fonts.load("600 13px Inter").then(() => chart.redraw(), () => {});
byId("veil-retry").addEventListener("click", () => choose(chosen.symbol, chosen.window, true));

function choose(symbol, window, force = false) {
  if (!force && symbol === chosen.symbol && window === chosen.window) return;
  const other = symbol !== chosen.symbol;
  Object.assign(chosen, { symbol, window });
  memory.set("symbol", symbol);
  memory.set("window", window);
  history.replaceState(null, "", `?symbol=${base(symbol)}&window=${window}`);
  markRadio(byId("symbols"), symbol);
  markRadio(byId("windows"), window);
  if (other) {
    market = {};
    byId("quote").hidden = true;
  }
  veil("loading", `Loading ${base(symbol)}, ${WINDOW_WORDS[window]}`);
  clearTimeout(patience);
  patience = setTimeout(waitedLong, PATIENCE_MS);
  stream.follow(symbol, window);
}

function showHello(hello) {
  showSource(hello.source);
  if (!hello.symbols.length) {
    veil("empty", "No market is being read yet. It appears here as soon as there is one.");
    setTimeout(() => stream.renew(), EMPTY_MS);
    return;
  }
  if (!hello.symbols.includes(chosen.symbol)) choose(hello.symbols[0], chosen.window);
  const symbols = hello.symbols.map((value) => ({ value, label: base(value), title: value }));
  radioGroup(byId("symbols"), symbols, chosen.symbol, (value) => choose(value, chosen.window));
  const windows = hello.windows.map((value) => ({ value, label: value, title: `The last ${WINDOW_WORDS[value] ?? value}` }));
  radioGroup(byId("windows"), windows, chosen.window, (value) => choose(chosen.symbol, value));
}

function showSnapshot(frame) {
  if (!frame.header.columns) {
    veil("empty", "There is no history for this window yet.");
    return;
  }
  clearTimeout(patience);
  chart.show(frame);
  if (market.bar) chart.form(market.bar);
  if (market.zones) chart.zones(market.zones, market.price);
  showLegend(frame.header);
  about = frame.header.about ?? "";
  showNote();
  veil("none");
  page.frames += 1;
  if (page.firstFrameMs === null) {
    requestAnimationFrame(() => requestAnimationFrame(() => { page.firstFrameMs = performance.now(); }));
  }
}

function showColumns(frame) {
  chart.add(frame);
  if (market.bar) chart.form(market.bar);
  page.frames += 1;
}

function showFacts(message) {
  market = { ...market, ...message };
  if (message.bar) chart.form(message.bar);
  chart.zones(market.zones ?? [], market.price);
  showQuote();
  showNote();
  if (message.zones) summarise();
  showPoint(null);
}

function showQuote() {
  byId("quote").hidden = false;
  byId("price").textContent = `$${priceText(market.price)}`;
  const change = byId("change");
  change.hidden = market.change_24h === null || market.change_24h === undefined;
  change.textContent = change.hidden ? "" : percent(market.change_24h, 2);
  change.className = `change ${market.change_24h < 0 ? "down" : "up"}`;
  change.title = "over 24 hours";
  document.title = `${base(chosen.symbol)} ${priceText(market.price)} · Liqwatch`;
}

/** Say what another model shows, and where there is too little history to trust what is far from price. */
function showNote() {
  const young = market.warm === false ? `Young: only ${market.history_days?.toFixed(1)} days of history stand behind this` : "";
  const note = byId("note");
  note.textContent = [about, young].filter(Boolean).join(" · ");
  note.hidden = !note.textContent;
}

/** Say in words what the chart shows, for those who cannot see it. */
function summarise() {
  byId("summary").textContent = `${base(chosen.symbol)} at ${priceText(market.price)}. ${nearest("short")} ${nearest("long")}`;
}

function nearest(side) {
  const zones = (market.zones ?? []).filter((zone) => zone.side === side);
  const name = side === "short" ? "above" : "below";
  if (!zones.length) return `Nothing denser than usual ${name}.`;
  const gap = (zone) => Math.abs(distanceOf(zone, market.price));
  const zone = zones.reduce((a, b) => (gap(b) < gap(a) ? b : a));
  return `Nearest zone ${name}: ${usd(zone.notional_usd)} of ${side}s at ${priceText(zone.peak)}, ${percent(distanceOf(zone, market.price))}.`;
}

function showPoint(point) {
  const readout = byId("readout");
  if (point === null) {
    readout.replaceChildren();
    return;
  }
  const { bar, cell } = point;
  const when = point.ts === null ? "now" : moment(point.ts);
  const rows = [el("div", {}, el("span", { class: "dim", text: `${when}  ` }), el("b", { text: `$${point.text}` }))];
  if (cell) {
    const side = (name, dollars) => el("span", { class: name, text: `${name}s ${dollars ? usd(dollars) : "none"}` });
    rows.push(el("div", {}, side("long", cell.long), " · ", side("short", cell.short),
      el("span", { class: "dim", text: `  per $${stepText(cell.high - cell.low)}` })));
  }
  if (bar?.open !== undefined) {
    const prices = ["open", "high", "low", "close"].map((k) => `${k[0].toUpperCase()} ${priceText(bar[k])}`);
    rows.push(el("div", { class: "dim", text: prices.join("  ") }));
  }
  readout.replaceChildren(...rows);
}

const stepText = (step) => (step >= 1 ? String(+step.toFixed(1)) : String(+step.toPrecision(2)));

function showLegend(header) {
  const step = (header.high - header.low) / header.bins;
  byId("legend-low").textContent = usd(header.scale.bottom);
  byId("legend-high").textContent = usd(header.scale.top);
  byId("legend-unit").textContent = `to be liquidated per $${stepText(step)} of price`;
  const legend = byId("legend");
  legend.hidden = false;
  legend.setAttribute("aria-label", `Colours run from ${usd(header.scale.bottom)} to ${usd(header.scale.top)} per $${stepText(step)} of price, on a log scale`);
}

function showSource(source) {
  const badge = byId("source");
  badge.hidden = !source.label;
  badge.textContent = source.label ?? "";
  badge.dataset.state = /paused|ended/.test(source.label) ? "paused" : "running";
  live = source.kind === "live";
  if (page.state === "live") byId("light-text").textContent = live ? "live" : "replaying";
}

function showState(state) {
  page.state = state;
  byId("light").dataset.state = state;
  const words = { live: live ? "live" : "replaying", slow: "slow", polling: "every few seconds", offline: "offline, trying again", connecting: "connecting" };
  byId("light-text").textContent = words[state];
  const loaded = page.frames > 0;
  if (state === "offline") veil(loaded ? "stale" : "loading", loaded ? "Not connected. The chart stands still until Liqwatch answers again." : "Waiting for Liqwatch to answer");
  if ((state === "live" || state === "polling") && loaded && byId("veil").dataset.state === "stale") veil("none");
}

function showError(error) {
  const told = error.code === "no_snapshot" || error.code === "bad_request";
  if (told && byId("veil").dataset.state !== "empty") veil("error", error.message);
}

function waitedLong() {
  if (byId("veil").dataset.state === "loading") veil("error", "The heatmap takes longer than it should.");
}

function veil(state, text = "") {
  byId("veil").dataset.state = state;
  byId("veil-text").textContent = text;
  byId("veil-retry").hidden = state !== "error";
}

// The panel is not needed for the first picture: it comes after it.
import("./panel.js").then(({ startPanel }) => startPanel({ choose, chosen }));
