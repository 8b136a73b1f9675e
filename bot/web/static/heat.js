// The heatmap under the candles: one texture, a pixel a cell, blitted by a primitive of the chart.

import { coloursOf, dollarsOf } from "./palette.js";

const SPARE = 256; // columns of room before the texture is moved
const SOFTEN = 3; // passes over neighbours in price, as in the pictures

/** Hold the columns of a heatmap: codes per side, where price went, and the texture drawn from them. */
export class Heat {
  /** `side` is both, long or short: which of the two planes is drawn and read. */
  constructor(frame, look, side = "both") {
    const { header } = frame;
    this.bins = header.bins;
    this.low = header.low;
    this.high = header.high;
    this.scale = header.scale;
    this.step = (header.high - header.low) / header.bins;
    this.dollars = dollarsOf(header.scale);
    this.room = header.columns + SPARE;
    this.count = 0;
    this.long = new Uint8Array(this.room * this.bins);
    this.short = new Uint8Array(this.room * this.bins);
    this.lows = new Float64Array(this.room);
    this.highs = new Float64Array(this.room);
    this.texture = document.createElement("canvas");
    this.texture.width = this.room;
    this.texture.height = this.bins;
    this.pen = this.texture.getContext("2d", { alpha: false });
    this.levels = new Float32Array(this.bins);
    this.keys = new Uint32Array(this.levels.buffer);
    this.side = side;
    this.colours = coloursOf(header.scale, look.shades);
    this.put(frame, 0);
  }

  /** Put the columns of a frame from column `at` on. */
  put(frame, at) {
    const { columns } = frame.header;
    this.long.set(frame.long, at * this.bins);
    this.short.set(frame.short, at * this.bins);
    this.lows.set(frame.low, at);
    this.highs.set(frame.high, at);
    this.#paint(at, columns);
    this.count = Math.max(this.count, at + columns);
  }

  /** Draw all of it anew, in other colours or of another side. */
  repaint(look, side) {
    this.side = side;
    this.colours = coloursOf(this.scale, look.shades);
    this.#paint(0, this.count);
  }

  #paint(first, columns) {
    if (!columns) return;
    const image = this.pen.createImageData(columns, this.bins);
    const pixels = new Uint32Array(image.data.buffer);
    const { bins, colours, keys } = this;
    for (let i = 0; i < columns; i++) {
      this.#soften(first + i);
      for (let p = 0, pixel = (bins - 1) * columns + i; p < bins; p++, pixel -= columns) pixels[pixel] = colours[keys[p] >>> 16];
    }
    this.pen.putImageData(image, first, 0);
  }

  /** Work out a column's dollars as drawn: spread a little over neighbours, never into what price went through. */
  #soften(column) {
    const { bins, dollars, levels, long, short, side } = this;
    const at = column * bins;
    const longs = side === "short" ? 0 : 255;
    const shorts = side === "long" ? 0 : 255;
    for (let p = 0; p < bins; p++) levels[p] = dollars[long[at + p] & longs] + dollars[short[at + p] & shorts];
    for (let pass = 0; pass < SOFTEN; pass++) {
      for (let p = 1, before = levels[0]; p < bins - 1; p++) {
        const own = levels[p];
        levels[p] = (before + 2 * own + levels[p + 1]) / 4;
        before = own;
      }
    }
    const first = Math.max(0, Math.ceil((this.lows[column] - this.low) / this.step - 1));
    const last = Math.min(bins - 1, Math.floor((this.highs[column] - this.low) / this.step));
    for (let p = first; p <= last; p++) if (!long[at + p] && !short[at + p]) levels[p] = 0;
  }

  /** Forget the oldest columns. */
  shift(columns) {
    this.long.copyWithin(0, columns * this.bins);
    this.short.copyWithin(0, columns * this.bins);
    this.lows.copyWithin(0, columns);
    this.highs.copyWithin(0, columns);
    this.pen.drawImage(this.texture, -columns, 0);
    this.count -= columns;
  }

  /** Return the dollars of a cell, { long, short, low, high }; undefined outside. */
  at(column, price) {
    const { step } = this;
    const bin = Math.floor((price - this.low) / step);
    if (bin < 0 || bin >= this.bins || this.count === 0) return undefined;
    const cell = Math.min(Math.max(column, 0), this.count - 1) * this.bins + bin;
    const low = this.low + bin * step;
    const long = this.side === "short" ? 0 : this.dollars[this.long[cell]];
    const short = this.side === "long" ? 0 : this.dollars[this.short[cell]];
    return { long, short, low, high: low + step };
  }
}

/** Draw a `Heat`, the continuing levels right of now, and an edge behind the candles that sets them off. */
export class HeatPrimitive {
  constructor(look) {
    this.look = look;
    this.heat = null;
    this.bars = [];
    this.views = [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  attached({ chart, series, requestUpdate }) {
    this.chart = chart;
    this.series = series;
    this.requestUpdate = requestUpdate;
  }

  updateAllViews() {}
  paneViews() { return this.views; }

  show(heat, bars) {
    this.heat = heat;
    this.bars = bars;
    this.requestUpdate?.();
  }

  #draw(target) {
    if (!this.heat?.count) return;
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio, verticalPixelRatio }) => {
      this.#surface(context, bitmapSize, horizontalPixelRatio, verticalPixelRatio);
      this.#outlines(context, horizontalPixelRatio, verticalPixelRatio);
    });
  }

  /** Blit the columns that are in view, and let the newest go on to the right. */
  #surface(pen, size, hr, vr) {
    const { heat, look } = this;
    const scale = this.chart.timeScale();
    const x0 = scale.logicalToCoordinate(0);
    const width = scale.options().barSpacing * hr;
    const top = this.series.priceToCoordinate(heat.high);
    const bottom = this.series.priceToCoordinate(heat.low);
    if (x0 === null || top === null || bottom === null) return;
    const left = x0 * hr - width / 2;
    const right = left + width * heat.count;
    const y = top * vr;
    const height = (bottom - top) * vr;
    const first = Math.max(0, Math.floor(-left / width));
    const last = Math.min(heat.count, Math.ceil((size.width - left) / width));
    pen.imageSmoothingEnabled = false;
    if (last > first) pen.drawImage(heat.texture, first, 0, last - first, heat.bins, left + first * width, y, (last - first) * width, height);
    if (right >= size.width) return;
    const from = Math.max(0, right);
    pen.drawImage(heat.texture, heat.count - 1, 0, 1, heat.bins, from, y, size.width - from, height);
    const fade = pen.createLinearGradient(from, 0, size.width, 0);
    fade.addColorStop(0, `${look.ground}00`);
    fade.addColorStop(0.7, `${look.ground}d9`);
    fade.addColorStop(1, `${look.ground}f2`);
    pen.fillStyle = fade;
    pen.fillRect(from, y, size.width - from, height);
  }

  /** Set candles off from bright levels, as the pictures do: one path for all of them. */
  #outlines(pen, hr, vr) {
    const scale = this.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const width = scale.options().barSpacing;
    if (!range || width < 1.6) return;
    const first = Math.max(0, Math.floor(range.from));
    const last = Math.min(this.bars.length - 1, Math.ceil(range.to));
    const body = Math.max(1, width * 0.72) + 2.4;
    const x0 = scale.logicalToCoordinate(0);
    const at = (price) => this.series.priceToCoordinate(price);
    pen.beginPath();
    for (let i = first; i <= last; i++) {
      const bar = this.bars[i];
      if (bar.open === undefined) continue;
      const x = x0 + i * width;
      const high = at(bar.high) - 1;
      pen.rect((x - 1.5) * hr, high * vr, 3 * hr, (at(bar.low) + 1 - high) * vr);
      const head = at(Math.max(bar.open, bar.close)) - 1.2;
      const foot = at(Math.min(bar.open, bar.close)) + 1.2;
      pen.rect((x - body / 2) * hr, head * vr, body * hr, (foot - head) * vr);
    }
    pen.fillStyle = `${this.look.outline}bf`;
    pen.fill();
  }
}
