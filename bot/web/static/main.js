// The page: put the parts together, keep them in step with what is chosen, and say how things stand.

import { Chart } from "./chart.js";
import { byId, markRadio } from "./dom.js";
import { base, distanceOf, percent, price as priceText, stepText, usd } from "./format.js";
import { gradientOf, lookOf } from "./palette.js";
import { Chosen, WINDOWS, canonical, isOwn, linkOf } from "./state.js";
import { mention, showSource, showState, veil, veiled } from "./status.js";
import { Stream } from "./stream.js";

const PATIENCE_MS = 12_000;
const EMPTY_MS = 5_000;
const REST_MS = 1_500;

const page = window.__liqwatch;
const state = new Chosen(page.early.symbol);
const light = matchMedia("(prefers-color-scheme: light)");
const chart = new Chart(byId("chart"), lookNow(), state.now.side, { point: (point) => layers?.point(point) });

/** What the parts that come after the first picture need of the page. */
const app = Object.assign(new EventTarget(), {
  page, state, chart, layers: null, symbols: [], source: {}, market: {},
  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); },
  zones: shownZones,
});
let layers = null;
let own = null;
let ownZones = null;
let shown = "";
let about = "";
let patience = 0;

state.changed = changed;
const stream = new Stream({
  hello: showHello, snapshot: (frame) => showSnapshot(frame), columns: showColumns, facts: showFacts,
  liquidations: showReports, clock: showSource, error: showError, state: stateChanged,
}, page.early);
stream.follow(state.now);
if (isOwn(state.now)) askOwn();
mark();
waitFor();

light.addEventListener("change", () => state.now.theme === "auto" && repaint());
byId("veil-retry").addEventListener("click", () => { waitFor(); veil("loading", "Trying again"); stream.again(); own?.retry(); });
byId("veil-clear").addEventListener("click", () => state.change({ interval: "auto", exchanges: [], leverage: [], side: "both" }));

function lookNow() {
  const { palette, theme } = state.now;
  const dark = theme === "auto" ? !light.matches : theme === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.querySelector("meta[name=theme-color]").content = dark ? "#0c1020" : "#ffffff";
  return lookOf(palette, dark ? "dark" : "light");
}

function repaint() {
  chart.paint(lookNow());
  byId("ramp").style.background = gradientOf(chart.look.palette, chart.look.theme);
  app.tell("look");
}

/** Name a view: where two names are alike, one is the other grown, and what is in view stays. */
const keyOf = ({ symbol, window, interval, exchanges, leverage }) => [symbol, window, interval, exchanges, leverage].join(" ");

/** Show on the switches what is chosen. */
function mark() {
  const { now } = state;
  byId("symbol-text").textContent = base(now.symbol);
  markRadio(byId("windows"), now.window);
  markRadio(byId("intervals"), now.interval);
  markRadio(byId("sides"), now.side);
}

/** Bring everything in step with what is chosen now. */
function changed(now, before) {
  mark();
  if (now.palette !== before.palette || now.theme !== before.theme) repaint();
  if (now.side !== before.side) {
    chart.only(now.side);
    showZones(false);
  }
  if (keyOf(now) !== keyOf(before)) {
    if (now.symbol !== before.symbol) {
      app.market = {};
      layers?.bubbles.clear();
      byId("quote").hidden = true;
    }
    if (!now.exchanges.length || now.symbol !== before.symbol) ownZones = null;
    veil("loading", `Loading ${base(now.symbol)}, ${WINDOWS[now.window]}`);
    waitFor();
    if (!isOwn(now) && isOwn(before)) shown = "";
    if (now.window !== before.window && layers?.market === now.symbol) layers.past(now);
    stream.follow(now);
    askOwn();
    showZones(false);
  }
  app.tell("chosen");
}

/** Ask for what the stream does not carry, where that is what is chosen. */
async function askOwn() {
  if (!own && !isOwn(state.now)) return;
  const { Own } = await import("./own.js");
  own ??= new Own({ snapshot: (frame) => showSnapshot(frame, true), zones: (zones) => { ownZones = zones; showZones(true); }, error: showError });
  own.follow(state.now);
}

function waitFor() {
  clearTimeout(patience);
  patience = setTimeout(() => veiled() === "loading" && veil("error", "The heatmap takes longer than it should."), PATIENCE_MS);
}

function showHello(hello) {
  app.symbols = hello.symbols;
  app.source = hello.source;
  showSource(hello.source);
  if (!hello.symbols.length) {
    veil("empty", "No market is being read yet. It appears here as soon as there is one.");
    setTimeout(() => stream.renew(), EMPTY_MS);
    return;
  }
  if (!hello.symbols.includes(state.now.symbol)) {
    mention(`There is no ${base(state.now.symbol)} here: this is ${base(hello.symbols[0])}.`);
    state.change({ symbol: hello.symbols[0] }, { replace: true });
  }
  if (layers) stream.withReports(hello.source.kind === "live");
  app.tell("hello");
}

function showSnapshot(frame, asked = false) {
  const { header } = frame;
  if (!asked && isOwn(state.now) && header.window) return; // it was on its way when something else was chosen
  if (header.symbol !== state.now.symbol) return;
  if (!header.columns) {
    veil("empty", "There is no history for this window yet.");
    return;
  }
  clearTimeout(patience);
  const key = keyOf(state.now);
  chart.show(frame, { keep: shown === key });
  const fresh = shown !== key;
  shown = key;
  if (app.market.bar) chart.form(app.market.bar);
  showZones(false);
  showLegend(header);
  about = header.about || (state.now.leverage.length ? `Positions of ${state.now.leverage.map((each) => `${each}x`).join(", ")}, by model leverage. Zones and alerts use flow` : "");
  showNote();
  page.frames += 1;
  if (page.state === "offline") showState("offline", true);
  else veil("none");
  layers?.profile.follow(state.now, header.low, header.high, fresh);
  if (page.firstFrameMs === null) requestAnimationFrame(() => requestAnimationFrame(firstFrame));
  app.tell("frame");
}

/** The first picture is there: now come the parts that it did not need. */
function firstFrame() {
  if (page.firstFrameMs !== null) return;
  page.firstFrameMs = performance.now();
  theRest();
}

let rest = null;
async function theRest() {
  if (rest) return;
  rest = Promise.all([import("./layers.js"), import("./tools.js"), import("./panel.js")]);
  const [{ Layers }, { startTools }, { startPanel }] = await rest;
  layers = app.layers = new Layers(chart, () => app.tell("profile"));
  page.bubbles = () => layers.bubbles.placed();
  startTools(app);
  showZones(false);
  if (chart.heat) layers.profile.follow(state.now, chart.heat.low, chart.heat.high, true);
  stream.withReports(app.source.kind === "live");
  await startPanel({ choose: (symbol, window) => state.change({ symbol: canonical(symbol), window }), get chosen() { return state.now; } });
  page.ready = true;
  await document.fonts.load("600 13px Inter").catch(() => {});
  chart.redraw();
}
setTimeout(theRest, REST_MS); // also where no picture comes

function showColumns(frame) {
  if (isOwn(state.now)) return;
  chart.add(frame);
  if (app.market.bar) chart.form(app.market.bar);
  page.frames += 1;
}

function showFacts(message) {
  const { market } = app;
  const closed = message.candle_ts !== undefined && market.candle_ts !== undefined && message.candle_ts !== market.candle_ts;
  app.market = { ...market, ...message };
  if (message.bar) chart.form(message.bar);
  showZones(market.symbol === app.market.symbol);
  showQuote();
  showNote();
  if (message.zones) summarise();
  if (closed) own?.renew();
  if (closed && chart.heat) layers?.profile.follow(state.now, chart.heat.low, chart.heat.high, false);
}

/** Return the zones of what is chosen: of all exchanges or of some, of both sides or of one. */
function shownZones() {
  const { side } = state.now;
  const zones = (state.now.exchanges.length ? ownZones : null) ?? app.market.zones ?? [];
  return side === "both" ? zones : zones.filter((zone) => zone.side === side);
}

function showZones(fade) {
  if (!app.market.price) return;
  layers?.labels.show(shownZones(), app.market.price, fade);
  app.tell("zones");
}

function showReports({ type, symbol, liquidations }) {
  if (!layers || symbol !== state.now.symbol) return;
  layers.market = symbol;
  layers.report(liquidations);
  if (type === "liquidations") layers.past(state.now);
}

function showQuote() {
  const { market } = app;
  byId("quote").hidden = false;
  byId("price").textContent = `$${priceText(market.price)}`;
  const change = byId("change");
  change.hidden = market.change_24h === null || market.change_24h === undefined;
  change.textContent = change.hidden ? "" : percent(market.change_24h, 2);
  change.className = `change ${market.change_24h < 0 ? "down" : "up"}`;
  change.title = "over 24 hours";
  document.title = `${base(state.now.symbol)} ${priceText(market.price)} · Liqwatch`;
}

/** Say what another model shows, and where there is too little history to trust what is far from price. */
function showNote() {
  const { market } = app;
  const young = market.warm === false ? `Young: only ${market.history_days?.toFixed(1)} days of history stand behind this` : "";
  const note = byId("note");
  note.textContent = [about, young].filter(Boolean).join(" · ");
  note.hidden = !note.textContent;
}

/** Say in words what the chart shows, for those who cannot see it. */
function summarise() {
  byId("summary").textContent = `${base(state.now.symbol)} at ${priceText(app.market.price)}. ${nearest("short")} ${nearest("long")}`;
}

function nearest(side) {
  const zones = (app.market.zones ?? []).filter((zone) => zone.side === side);
  const name = side === "short" ? "above" : "below";
  if (!zones.length) return `Nothing denser than usual ${name}.`;
  const gap = (zone) => Math.abs(distanceOf(zone, app.market.price));
  const zone = zones.reduce((a, b) => (gap(b) < gap(a) ? b : a));
  return `Nearest zone ${name}: ${usd(zone.notional_usd)} of ${side}s at ${priceText(zone.peak)}, ${percent(distanceOf(zone, app.market.price))}.`;
}

function showLegend(header) {
  const step = stepText((header.high - header.low) / header.bins);
  byId("legend-low").textContent = usd(header.scale.bottom);
  byId("legend-high").textContent = usd(header.scale.top);
  byId("legend-unit").textContent = `to be liquidated per $${step} of price`;
  byId("ramp").style.background = gradientOf(chart.look.palette, chart.look.theme);
  const legend = byId("legend");
  legend.hidden = false;
  legend.setAttribute("aria-label", `Colours run from ${usd(header.scale.bottom)} to ${usd(header.scale.top)} per $${step} of price, on a log scale`);
}

function stateChanged(next, behind = false) {
  page.state = next;
  showState(next, page.frames > 0, behind);
  app.tell("state");
}

function showError(error) {
  const told = error.code === "no_snapshot" || error.code === "bad_request";
  if (error.code === "filter") veil("error", error.message, { clear: true });
  else if (told && veiled() !== "empty") veil("error", error.message, { clear: isOwn(state.now) });
}

if (!location.search) history.replaceState(null, "", linkOf(state.now));
