// The chart: candles over the heatmap, zone labels at the edge, and what lies under the cross-hair.

import { CandlestickSeries, CrosshairMode, LineStyle, createChart } from "/vendor/lightweight-charts/lightweight-charts.mjs";
import { Heat, HeatPrimitive } from "./heat.js";
import { ZonePrimitive } from "./zones.js";
import { DOWN, GROUND, INK, UP } from "./palette.js";
import { finePrice, moment, price as priceText, priceDigits } from "./format.js";

const AROUND = 0.022; // of the price, above and below what the candles span

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
  rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.02, bottom: 0.02 } },
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
    scale.setVisibleLogicalRange({ from: -0.5, to: this.bars.length + strip / spacing });
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
    const { minValue, maxValue } = info.priceRange;
    const around = maxValue * AROUND;
    return { ...info, priceRange: { minValue: minValue - around, maxValue: maxValue + around } };
  }

  #format(value) {
    const digits = priceDigits(value);
    const minMove = 10 ** -Math.min(8, digits + 1);
    this.series.applyOptions({ priceFormat: { type: "custom", minMove, formatter: priceText } });
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
