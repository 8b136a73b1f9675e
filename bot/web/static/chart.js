// The chart: candles over the heatmap, and what lies over both. Moved by pointer and by keys.

import { CandlestickSeries, CrosshairMode, LineStyle, createChart } from "/vendor/lightweight-charts/lightweight-charts.mjs";
import { edgeFor } from "./edge.js";
import { Heat, HeatPrimitive } from "./heat.js";
import { finePrice, fixed, moment, price as priceText, priceDigits, tick } from "./format.js";

const AROUND = 0.028; // of the price, above and below what the candles span
const TAG_PX = 15; // room that the price tag takes on the axis

const optionsOf = (look) => ({
  layout: { background: { color: look.ground }, textColor: look.text },
  grid: { vertLines: { visible: false }, horzLines: { color: look.grid } },
  crosshair: {
    vertLine: { color: look.hair, labelBackgroundColor: look.tag },
    horzLine: { color: look.hair, labelBackgroundColor: look.tag },
  },
});
const OPTIONS = {
  autoSize: true,
  layout: {
    fontSize: 13, fontFamily: "Inter, sans-serif",
    attributionLogo: false, // the page carries it in its foot, without the style element that CSP forbids
  },
  crosshair: { mode: CrosshairMode.Normal },
  timeScale: { timeVisible: true, secondsVisible: false, borderVisible: false, minBarSpacing: 0.2, lockVisibleTimeRangeOnResize: true, tickMarkFormatter: tick },
  rightPriceScale: { borderVisible: false, scaleMargins: { top: 0, bottom: 0 } },
  localization: { locale: "en-US", timeFormatter: (t) => moment(t * 1000) },
};

const candlesOf = (look) => ({ upColor: look.up, downColor: look.down, wickUpColor: look.up, wickDownColor: look.down, priceLineColor: look.ink });

export class Chart {
  /** `on.point(point | null)` is told what lies under the cross-hair. */
  constructor(host, look, side, on) {
    this.on = on;
    this.bars = [];
    this.heat = null;
    this.look = look;
    this.side = side;
    this.moved = false;
    this.host = host;
    this.chart = null;
    this.surface = new HeatPrimitive(look);
    this.parts = [this.surface];
    this.wide = true; // room for the bars of the profile
    this.#watchHands(host);
  }

  /** Make the chart once there is something to show: an empty one would be drawn first, and cost as much. */
  #open() {
    const own = optionsOf(this.look);
    const crosshair = { ...OPTIONS.crosshair, ...own.crosshair };
    this.chart = createChart(this.host, { ...OPTIONS, ...own, crosshair, layout: { ...OPTIONS.layout, ...own.layout } });
    this.series = this.chart.addSeries(CandlestickSeries, {
      ...candlesOf(this.look), borderVisible: false, priceLineWidth: 1, priceLineStyle: LineStyle.Dashed,
      autoscaleInfoProvider: (original) => this.#range(original()),
    });
    for (const part of this.parts) this.series.attachPrimitive(part);
    const refit = () => this.moved || this.fit();
    this.chart.timeScale().subscribeSizeChange(() => requestAnimationFrame(refit)); // what is set while it resizes is lost
    this.chart.subscribeCrosshairMove((event) => this.on.point(this.#point(event)));
  }

  /** Show a whole heatmap with its candles; it is fitted into view unless it is the same one grown. */
  show(frame, { keep = false } = {}) {
    if (!this.chart) this.#open();
    const range = keep && this.moved ? this.chart.timeScale().getVisibleLogicalRange() : null;
    this.stepMs = frame.header.step_ms;
    this.heat = new Heat(frame, this.look, this.side);
    this.bars = barsOf(frame);
    const last = this.bars.findLast((bar) => bar.close !== undefined);
    this.#format(last?.close ?? frame.header.high);
    this.series.setData(this.bars);
    this.#draw();
    if (range) this.chart.timeScale().setVisibleLogicalRange(range);
    else this.fit();
  }

  /** Lay more over the heatmap, once it is there: a part draws, and is told of looks, sides and bars as they change. */
  lay(part) {
    this.parts.push(part);
    this.series?.attachPrimitive(part);
    part.only?.(this.side);
    this.#draw();
  }

  /** Draw in other colours. */
  paint(look) {
    this.look = look;
    for (const part of this.parts) part.look = look;
    this.chart?.applyOptions(optionsOf(look));
    this.series?.applyOptions(candlesOf(look));
    this.heat?.repaint(look, this.side);
    this.#draw();
  }

  /** Show both sides, or one of them. */
  only(side) {
    this.side = side;
    this.heat?.repaint(this.look, side);
    for (const part of this.parts) part.only?.(side);
    this.#draw();
  }

  /** Show everything, and leave room for what stands at the right edge. */
  fit() {
    if (!this.chart) return;
    const scale = this.chart.timeScale();
    const width = scale.width();
    if (!width || !this.bars.length) return;
    const strip = edgeFor(width, this.wide);
    const spacing = (width - strip) / (this.bars.length + 1);
    this.chart.priceScale("right").applyOptions({ autoScale: true });
    this.moved = false;
    scale.setVisibleLogicalRange({ from: -0.5, to: this.bars.length + strip / spacing });
  }

  /** Remember whether somebody has moved the view: only one that nobody moved is fitted again by itself. */
  #watchHands(host) {
    const moved = () => { this.moved = true; };
    host.addEventListener("wheel", moved, { passive: true });
    host.addEventListener("pointermove", (event) => event.buttons && moved());
  }

  /** Put newer columns in; the last one of before may come again, grown. */
  add(frame) {
    if (!this.heat) return;
    const fresh = barsOf(frame);
    let at = this.bars.findIndex((bar) => bar.time >= fresh[0].time);
    if (at < 0) at = this.bars.length;
    at = Math.min(at, this.heat.count);
    const over = at + fresh.length - this.heat.room;
    if (over > 0) {
      this.#forget(over + 64);
      at -= over + 64;
    }
    this.heat.put(frame, at);
    const newest = this.bars.at(-1).time;
    fresh.forEach((bar, i) => { this.bars[at + i] = bar; });
    for (const bar of fresh) this.series.update(bar, bar.time < newest);
    this.#draw();
  }

  /** Show the candle that is still forming; it belongs to the last column, or begins the next. */
  form(bar) {
    if (!bar || !this.heat || !this.bars.length) return;
    const column = this.bars[this.heat.count - 1];
    const opens = column.time * 1000;
    const time = (opens + Math.floor((bar.ts - opens) / this.stepMs) * this.stepMs) / 1000;
    const known = this.bars.at(-1);
    if (time < known.time) return;
    const grown = time === known.time && known.open !== undefined
      ? { time, open: known.open, high: Math.max(known.high, bar.high), low: Math.min(known.low, bar.low), close: bar.close }
      : { time, open: bar.open, high: bar.high, low: bar.low, close: bar.close };
    if (time > known.time) this.bars.push(grown);
    else this.bars[this.bars.length - 1] = grown;
    this.series.update(grown);
    this.#draw();
    if (this.#coveredTick() !== this.covered) this.#format(bar.close);
  }

  /** Move the view by a share of its width. */
  pan(share) {
    const scale = this.chart?.timeScale();
    const range = scale?.getVisibleLogicalRange();
    if (!range) return;
    this.moved = true;
    const by = (range.to - range.from) * share;
    scale.setVisibleLogicalRange({ from: range.from + by, to: range.to + by });
  }

  /** Show more or less of time; the newest stays where it is. */
  zoom(factor) {
    const scale = this.chart?.timeScale();
    const range = scale?.getVisibleLogicalRange();
    if (!range) return;
    this.moved = true;
    scale.setVisibleLogicalRange({ from: range.to - (range.to - range.from) * factor, to: range.to });
  }

  /** Move the cross-hair by columns and by bins of price, from the newest price where there is none; tell its point. */
  step(columns, bins) {
    if (!this.heat || !this.bars.length) return;
    const last = this.bars.findLast((bar) => bar.close !== undefined)?.close ?? this.heat.low;
    const before = this.cursor ?? { at: this.bars.length - 1, price: last };
    const at = Math.min(this.bars.length - 1, Math.max(0, before.at + columns));
    const price = Math.min(this.heat.high, Math.max(this.heat.low, before.price + bins * this.heat.step));
    this.cursor = { at, price };
    this.chart.setCrosshairPosition(price, this.bars[at].time, this.series);
    const y = this.series.priceToCoordinate(price);
    this.on.point(this.#read(at, price, this.chart.timeScale().logicalToCoordinate(at), y));
  }

  /** Take the cross-hair away. */
  leave() {
    this.cursor = null;
    this.chart?.clearCrosshairPosition();
    this.on.point(null);
  }

  /** Draw text again once the font is there. */
  redraw() {
    this.chart?.applyOptions({ layout: { fontFamily: "Inter, 'Segoe UI', sans-serif" } });
  }

  #draw() {
    for (const part of this.parts) part.bars = this.bars;
    this.surface.show(this.heat, this.bars);
  }

  #forget(columns) {
    this.heat.shift(columns);
    this.bars = this.bars.slice(columns);
    this.series.setData(this.bars);
  }

  #range(info) {
    if (!info?.priceRange) return info;
    const around = info.priceRange.maxValue * AROUND;
    const minValue = Math.max(info.priceRange.minValue - around, this.heat?.low ?? 0);
    const maxValue = Math.min(info.priceRange.maxValue + around, this.heat?.high ?? Infinity);
    return { ...info, priceRange: { minValue, maxValue } };
  }

  #format(value) {
    const digits = priceDigits(value);
    const minMove = 10 ** -Math.min(8, digits + 1);
    this.series.applyOptions({ priceFormat: { type: "custom", minMove, formatter: priceText, tickmarksFormatter: (ticks) => this.#ticks(ticks) } });
  }

  /** Return the labels of the price axis: no more decimals than they need, none under the price's own tag. */
  #ticks(ticks) {
    let digits = 0;
    while (digits < 8 && ticks.some((tick) => Math.abs(tick * 10 ** digits - Math.round(tick * 10 ** digits)) > 1e-6)) digits++;
    this.labelled = ticks;
    this.covered = this.#coveredTick();
    return ticks.map((tick) => (tick === this.covered ? "" : fixed(tick, digits)));
  }

  /** Return the tick that the price's own tag covers, if any. */
  #coveredTick() {
    const last = this.bars.findLast((bar) => bar.close !== undefined)?.close;
    const now = last === undefined ? null : this.series.priceToCoordinate(last);
    if (now === null) return undefined;
    return this.labelled?.find((tick) => Math.abs((this.series.priceToCoordinate(tick) ?? Infinity) - now) < TAG_PX);
  }

  #point(event) {
    if (!this.heat || !event.point || event.logical === undefined) return null;
    const price = this.series.coordinateToPrice(event.point.y);
    if (price === null) return null;
    this.cursor = { at: Math.min(this.bars.length - 1, Math.max(0, Math.round(event.logical))), price };
    return this.#read(event.logical, price, event.point.x, event.point.y);
  }

  #read(at, price, x, y) {
    const bar = this.bars[at];
    return {
      price, bar, ts: bar ? bar.time * 1000 : null, cell: this.heat.at(at, price), text: finePrice(price),
      newest: at >= this.heat.count - 1, x, y,
    };
  }
}

function barsOf(frame) {
  return Array.from(frame.ts, (ts, i) => {
    const time = ts / 1000;
    if (Number.isNaN(frame.close[i])) return { time };
    return { time, open: frame.open[i], high: frame.high[i], low: frame.low[i], close: frame.close[i] };
  });
}
