// What is chosen: kept in the address, so that a link shows the same, and back and forward walk through it.

import { base } from "./format.js";
import { memory } from "./dom.js";
import { PALETTES } from "./palette.js";

const MINUTE_MS = 60_000;
export const WINDOWS = { "12h": "12 hours", "24h": "24 hours", "3d": "3 days", "7d": "7 days", "30d": "30 days" };
export const INTERVALS = { "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": 60 * MINUTE_MS, "4h": 240 * MINUTE_MS };
export const SIDES = ["both", "long", "short"];
export const THEMES = ["auto", "dark", "light"];
export const LEVERAGES = [5, 10, 25, 50, 100];
const WEIGHTS = [15, 30, 25, 20, 10]; // of the model, percent a leverage
const MOST_COLUMNS = 2000;
const MOST_CELLS = 1_000_000;
const BINS = 500;
const KEPT = ["symbol", "window", "palette", "theme"];
const RECENT = 6;

/** Return how long a window is, ms. */
export const windowMs = (window) => parseInt(window, 10) * (window.endsWith("d") ? 1440 : 60) * MINUTE_MS;

/** Say whether a window fits into one answer at an interval. */
export const isPossible = (window, interval) => interval === "auto" || windowMs(window) / INTERVALS[interval] <= MOST_COLUMNS;

/** Return a market's whole name: BTCUSDT of btc. */
export const canonical = (symbol) => `${symbol.toUpperCase().replace(/USDT$/, "")}USDT`;

const among = (value, allowed, usual) => (allowed.includes(value) ? value : usual);

/** Return what an address asks for; what it leaves out is as this browser last had it, or as usual. */
function read(search, symbol) {
  const asked = new URLSearchParams(search);
  const given = (name) => asked.get(name) ?? memory.get(name);
  const listed = (name) => (asked.get(name) ?? "").split(",").filter(Boolean);
  const window = among(given("window"), Object.keys(WINDOWS), "24h");
  const interval = among(asked.get("interval"), Object.keys(INTERVALS), "auto");
  const leverage = LEVERAGES.filter((each) => listed("leverage").includes(String(each)));
  return {
    symbol, window,
    interval: isPossible(window, interval) ? interval : "auto",
    exchanges: [...new Set(listed("exchanges").filter((name) => /^[a-z0-9_]{1,32}$/.test(name)))].sort().slice(0, 16),
    side: among(asked.get("side"), SIDES, "both"),
    leverage: leverage.length < LEVERAGES.length ? leverage : [],
    palette: among(given("palette"), PALETTES, "inferno"),
    theme: among(given("theme"), THEMES, "auto"),
  };
}

/** Return the address of what is chosen; what is as usual is left out. */
export function linkOf(chosen) {
  const parts = [`symbol=${base(chosen.symbol)}`, `window=${chosen.window}`];
  if (chosen.interval !== "auto") parts.push(`interval=${chosen.interval}`);
  if (chosen.exchanges.length) parts.push(`exchanges=${chosen.exchanges.join(",")}`);
  if (chosen.side !== "both") parts.push(`side=${chosen.side}`);
  if (chosen.leverage.length) parts.push(`leverage=${chosen.leverage.join(",")}`);
  if (chosen.palette !== "inferno") parts.push(`palette=${chosen.palette}`);
  if (chosen.theme !== "auto") parts.push(`theme=${chosen.theme}`);
  return `?${parts.join("&")}`;
}

/** Say whether a heatmap must be asked for, because the stream does not carry it. */
export const isOwn = (chosen) => chosen.interval !== "auto" || chosen.exchanges.length > 0 || chosen.leverage.length > 0;

const filters = (chosen) => {
  const weights = LEVERAGES.map((each, i) => (chosen.leverage.includes(each) ? WEIGHTS[i] : 0)).join("/");
  return `${chosen.exchanges.length ? `&exchanges=${chosen.exchanges.join(",")}` : ""}${chosen.leverage.length ? `&leverage_weights=${weights}` : ""}`;
};

/** Return the interval that a window has where none was chosen. */
export const usualInterval = (window) => ({ "7d": "15m", "30d": "1h" })[window] ?? "5m";

/** Return where the binary heatmap of what is chosen is. */
export function heatmapPath(chosen) {
  if (!isOwn(chosen)) return `/api/heatmap?symbol=${chosen.symbol}&window=${chosen.window}&format=binary`;
  const interval = chosen.interval === "auto" ? usualInterval(chosen.window) : chosen.interval;
  const columns = Math.ceil(windowMs(chosen.window) / INTERVALS[interval]);
  const bins = Math.min(BINS, Math.floor(MOST_CELLS / columns));
  return `/liquidations/heatmap-timeseries?symbol=${chosen.symbol}&interval=${interval}&window=${chosen.window}&bins=${bins}&format=binary${filters(chosen)}`;
}

/** Return where each exchange's part of what stands now is, between two prices. */
export function profilePath(chosen, low, high, bins) {
  return `/liquidations/heatmap-timeseries?symbol=${chosen.symbol}&interval=5m&window=5m&low=${low}&high=${high}&bins=${bins}&format=json${filters(chosen)}`;
}

export const zonesPath = (chosen) =>
  `/zones?symbol=${chosen.symbol}${chosen.exchanges.length ? `&exchanges=${chosen.exchanges.join(",")}` : ""}`;

/** Hold what is chosen; `changed(now, before)` is told of every change, also of those by back and forward. */
export class Chosen {
  constructor(symbol) {
    this.now = read(location.search, symbol);
    this.changed = () => {};
    addEventListener("popstate", () => {
      const asked = new URLSearchParams(location.search).get("symbol");
      this.#set(read(location.search, asked ? canonical(asked) : this.now.symbol));
    });
  }

  /** Choose something else; `replace` keeps it out of the history. */
  change(patch, { replace = false } = {}) {
    const next = { ...this.now, ...patch };
    if (!isPossible(next.window, next.interval)) next.interval = "auto";
    const link = linkOf(next);
    if (link === linkOf(this.now)) return;
    history[replace ? "replaceState" : "pushState"](null, "", link);
    this.#set(next);
  }

  #set(next) {
    const before = this.now;
    this.now = next;
    for (const name of KEPT) memory.set(name, next[name]);
    if (next.symbol !== before.symbol) remember(next.symbol);
    this.changed(next, before);
  }
}

function remember(symbol) {
  memory.set("recent", [symbol, ...recentSymbols().filter((each) => each !== symbol)].slice(0, RECENT).join(","));
}

export const recentSymbols = () => (memory.get("recent") ?? "").split(",").filter(Boolean);
