// What venues are called where people read of them, and the colour that stands for each.

const TITLES = {
  okx: "OKX", htx: "HTX", mexc: "MEXC", bitmex: "BitMEX", bingx: "BingX", kucoinfutures: "KuCoin",
  krakenfutures: "Kraken", cryptocom: "Crypto.com",
};
const COLOURS = {
  binance: "#f4c542", bybit: "#ff8f4d", okx: "#b9c4e4", hyperliquid: "#58e6c3", bitget: "#39b7f0", deribit: "#7ea2ff",
  bitmex: "#ff6b8b", gate: "#7fd858", mexc: "#9b86ff", htx: "#5d9bff", krakenfutures: "#b983ff", kucoinfutures: "#34cf93",
};
const OTHERS = ["#ff9ec0", "#d8e05a", "#66d9ff", "#e4a1ff", "#ffb68a", "#9fe8a8"];
const LIGHT_SHARE = 0.66; // how much of a colour is left on light ground

export const titleOf = (venue) => TITLES[venue] ?? venue.charAt(0).toUpperCase() + venue.slice(1);

/** Return a venue's colour: always the same one, darker on light ground. */
export function colourOf(venue, theme = "dark") {
  const hash = [...venue].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  const colour = COLOURS[venue] ?? OTHERS[hash % OTHERS.length];
  if (theme === "dark") return colour;
  const parts = [1, 3, 5].map((i) => Math.round(parseInt(colour.slice(i, i + 2), 16) * LIGHT_SHARE));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
