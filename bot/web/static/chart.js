// The chart: candles over the heatmap, zone labels at the edge, and what lies under the cross-hair.

import { CandlestickSeries, CrosshairMode, LineStyle, createChart } from "/vendor/lightweight-charts/lightweight-charts.mjs";
import { Heat, HeatPrimitive } from "./heat.js";
import { ZonePrimitive } from "./zones.js";
import { DOWN, GROUND, INK, UP } from "./palette.js";
import { finePrice, fixed, moment, price as priceText, priceDigits } from "./format.js";

const AROUND = 0.028; // of the price, above and below what the candles span
const TAG_PX = 15; // room that the price tag takes on the axis

const OPTIONS = {
  autoSize: true,
  layout: {
    background: { color: GROUND }, textColor: "#c9cfde", fontSize: 13, fontFamily: "Inter, sans-serif",
    attributionLogo: false, // the page carries it in its foot, without the style element that CSP forbids
  },
  grid: { vertLines: { visible: false }, horzLines: { color: "#ffffff0d" } },
  crosshair: {
    mode: CrosshairMode.Normal,
    vertLine: { color: "#ffffff80", labelBackgroundColor: "#2b3260" },
    horzLine: { color: "#ffffff80", labelBackgroundColor: "#2b3260" },
  },
  timeScale: { timeVisible: true, secondsVisible: false, borderVisible: false, minBarSpacing: 0.2, lockVisibleTimeRangeOnResize: true },
  rightPriceScale: { borderVisible: false, scaleMargins: { top: 0, bottom: 0 } },
  localization: { locale: "en-US", timeFormatter: (t) => moment(t * 1000) },
};

export class Chart {
  /** `on.point(point | null)` is told what lies under the cross-hair. */
  constructor(host, on) {
    this.on = on;
    this.bars = [];
    this.heat = null;
    this.chart = createChart(host, OPTIONS);
    this.series = this.chart.addSeries(CandlestickSeries, {
      upColor: UP, downColor: DOWN, wickUpColor: UP, wickDownColor: DOWN, borderVisible: false,
      priceLineColor: INK, priceLineWidth: 1, priceLineStyle: LineStyle.Dashed,
      autoscaleInfoProvider: (original) => this.#range(original()),
    });
    this.heatPrimitive = new HeatPrimitive();
    this.zonePrimitive = new ZonePrimitive();
    this.series.attachPrimitive(this.heatPrimitive);
    this.series.attachPrimitive(this.zonePrimitive);
    this.chart.timeScale().subscribeSizeChange(() => this.#resized());
    this.chart.subscribeCrosshairMove((event) => this.on.point(this.#point(event)));
  }

  /** Show a whole heatmap with its candles, and fit it into view. */
  show(frame) {
    this.stepMs = frame.header.step_ms;
    this.heat = new Heat(frame);
    this.bars = barsOf(frame);
    const last = this.bars.findLast((bar) => bar.close !== undefined);
    this.#format(last?.close ?? frame.header.high);
    this.series.setData(this.bars);
    this.heatPrimitive.show(this.heat, this.bars);
    this.fit();
  }

  /** Show everything, and leave room for the zone labels. */
  fit() {
    const scale = this.chart.timeScale();
    const width = scale.width();
    if (!width || !this.bars.length) return;
    const strip = ZonePrimitive.widthFor(width);
    const spacing = (width - strip) / (this.bars.length + 1);
    this.chart.priceScale("right").applyOptions({ autoScale: true });
    this.fitted = this.bars.length + strip / spacing;
    scale.setVisibleLogicalRange({ from: -0.5, to: this.fitted });
  }

  /** Fit again when the room changes, unless somebody has moved the chart. */
  #resized() {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    const span = range ? range.to - range.from : 0;
    if (this.fitted === undefined || Math.abs(span - this.fitted) < this.fitted * 0.25) this.fit();
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
    fresh.forEach((bar, i) => { this.bars[at + i] = bar; });
    for (const bar of fresh) this.series.update(bar, true);
    this.heatPrimitive.show(this.heat, this.bars);
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
    this.heatPrimitive.show(this.heat, this.bars);
    if (this.#coveredTick() !== this.covered) this.#format(bar.close);
  }

  zones(zones, price) {
    this.zonePrimitive.show(zones, price);
  }

  /** Draw text again once the font is there. */
  redraw() {
    this.chart.applyOptions({ layout: { fontFamily: "Inter, 'Segoe UI', sans-serif" } });
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
    const bar = this.bars[event.logical];
    return { price, bar, ts: bar ? bar.time * 1000 : null, cell: this.heat.at(event.logical, price), text: finePrice(price) };
  }
}

function barsOf(frame) {
  return Array.from(frame.ts, (ts, i) => {
    const time = ts / 1000;
    if (Number.isNaN(frame.close[i])) return { time };
    return { time, open: frame.open[i], high: frame.high[i], low: frame.low[i], close: frame.close[i] };
  });
}
