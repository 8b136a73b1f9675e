// Find the market that somebody means: what coins are called, and how well a name fits what was typed.

import { base } from "./format.js";

const NAMES = {
  BTC: "Bitcoin", ETH: "Ethereum", SOL: "Solana", XRP: "Ripple", DOGE: "Dogecoin", BNB: "BNB", ADA: "Cardano", AVAX: "Avalanche",
  LINK: "Chainlink", LTC: "Litecoin", BCH: "Bitcoin Cash", DOT: "Polkadot", TRX: "Tron", MATIC: "Polygon", POL: "Polygon",
  SHIB: "Shiba Inu", PEPE: "Pepe", TON: "Toncoin", SUI: "Sui", APT: "Aptos", ARB: "Arbitrum", OP: "Optimism", NEAR: "Near",
  ATOM: "Cosmos", UNI: "Uniswap", AAVE: "Aave", HYPE: "Hyperliquid", FIL: "Filecoin", ETC: "Ethereum Classic", XLM: "Stellar",
  HBAR: "Hedera", INJ: "Injective", TIA: "Celestia", SEI: "Sei", WIF: "dogwifhat", BONK: "Bonk", ENA: "Ethena", LDO: "Lido",
  XMR: "Monero", ZEC: "Zcash", TAO: "Bittensor", RENDER: "Render", FET: "Fetch.ai", KAS: "Kaspa", TRUMP: "Official Trump",
};
const ALIASES = { XBT: "BTC", BITCOIN: "BTC", ETHER: "ETH", ETHEREUM: "ETH", SOLANA: "SOL", RIPPLE: "XRP", DOGECOIN: "DOGE", AVALANCHE: "AVAX" };

export const nameOf = (symbol) => NAMES[base(symbol)] ?? "";

/** Return what was typed without sigil, venue, contract suffix and quote: "BTC" of "binance:btc-perp". */
export function plain(text) {
  const bare = text.trim().toUpperCase().replace(/^[$#]/, "").replace(/^[A-Z]+:/, "")
    .replace(/[-_/.:\s]?(PERPETUAL|PERP|SWAP|FUTURES?|\.P)$/, "").replace(/[-_/.:\s]/g, "");
  const coin = bare.length > 4 ? bare.replace(/(USDT|USDC|USD)$/, "") : bare;
  return ALIASES[coin] ?? coin;
}

/** Return how well a symbol fits: the smaller the better, Infinity where it does not. */
function fit(symbol, asked) {
  const coin = base(symbol);
  if (coin === asked) return 0;
  if (coin.startsWith(asked)) return 1;
  const name = nameOf(symbol).toUpperCase().replace(/\s/g, "");
  if (name.startsWith(asked)) return 2;
  if (coin.includes(asked)) return 3;
  if (name.includes(asked)) return 4;
  let at = -1;
  for (const letter of asked) {
    at = coin.indexOf(letter, at + 1);
    if (at < 0) return Infinity;
  }
  return 5;
}

/** Return the symbols that fit what was typed, best first; with nothing typed the recent ones lead. */
export function found(text, symbols, recent) {
  const asked = plain(text);
  if (!asked) return [...recent.filter((symbol) => symbols.includes(symbol)), ...symbols.filter((symbol) => !recent.includes(symbol))];
  return symbols.map((symbol) => ({ symbol, rank: fit(symbol, asked) })).filter(({ rank }) => rank < Infinity)
    .sort((a, b) => a.rank - b.rank).map(({ symbol }) => symbol);
}
