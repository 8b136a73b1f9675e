// What venues are called where people read of them, and the colour that stands for each.

const TITLES = {
  okx: "OKX", htx: "HTX", mexc: "MEXC", bitmex: "BitMEX", bingx: "BingX", kucoinfutures: "KuCoin",
  krakenfutures: "Kraken", cryptocom: "Crypto.com",
};
const COLOURS = { // on dark ground, on light ground
  binance: ["#f4c542", "#b98900"], bybit: ["#ff8f4d", "#d1470f"], okx: ["#b9c4e4", "#4a5878"], hyperliquid: ["#58e6c3", "#00876a"],
  bitget: ["#39b7f0", "#0079b8"], deribit: ["#7ea2ff", "#3357d6"], bitmex: ["#ff6b8b", "#c81e4a"], gate: ["#7fd858", "#3f8f1c"],
  mexc: ["#9b86ff", "#6245d8"], htx: ["#5d9bff", "#1d62d1"], krakenfutures: ["#b983ff", "#8038d6"], kucoinfutures: ["#34cf93", "#0b8558"],
};
const OTHERS = [["#ff9ec0", "#b8346e"], ["#d8e05a", "#777d00"], ["#66d9ff", "#007fa8"], ["#e4a1ff", "#9b34c4"], ["#ffb68a", "#b3560f"], ["#9fe8a8", "#2d8a3a"]];

export const titleOf = (venue) => TITLES[venue] ?? venue.charAt(0).toUpperCase() + venue.slice(1);

/** Return a venue's colour: always the same one on the same ground. */
export function colourOf(venue, theme = "dark") {
  const hash = [...venue].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return (COLOURS[venue] ?? OTHERS[hash % OTHERS.length])[theme === "dark" ? 0 : 1];
}
