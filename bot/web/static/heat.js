// The heatmap under the candles: one texture, a pixel a cell, blitted by a primitive of the chart.

import { GROUND, OUTLINE, colourOf, dollarsOf } from "./palette.js";

const SPARE = 256; // columns of room before the texture is moved
const SOFTEN = 3; // passes over neighbours in price, as in the pictures

/** Hold the columns of a heatmap: codes per side, and the texture drawn from them. */
export class Heat {
  constructor(frame) {
    const { header } = frame;
    this.bins = header.bins;
    this.low = header.low;
    this.high = header.high;
    this.scale = header.scale;
    this.step = (header.high - header.low) / header.bins;
    this.colour = colourOf(header.scale);
    this.dollars = dollarsOf(header.scale);
    this.room = header.columns + SPARE;
    this.count = 0;
    this.long = new Uint8Array(this.room * this.bins);
    this.short = new Uint8Array(this.room * this.bins);
    this.texture = document.createElement("canvas");
    this.texture.width = this.room;
    this.texture.height = this.bins;
    this.pen = this.texture.getContext("2d", { alpha: false });
    this.put(frame, 0);
  }

  /** Put the columns of a frame from column `at` on. */
  put(frame, at) {
    const { columns } = frame.header;
    this.long.set(frame.long, at * this.bins);
    this.short.set(frame.short, at * this.bins);
    const image = this.pen.createImageData(columns, this.bins);
    const pixels = new Uint32Array(image.data.buffer);
    const { bins, colour } = this;
    for (let i = 0; i < columns; i++) {
      const levels = this.#soft(frame, i);
      for (let p = 0, pixel = (bins - 1) * columns + i; p < bins; p++, pixel -= columns) pixels[pixel] = colour(levels[p]);
    }
    this.pen.putImageData(image, at, 0);
    this.count = Math.max(this.count, at + columns);
  }

  /** Return a column's dollars as drawn: spread a little over neighbours, never into what price went through. */
  #soft(frame, column) {
    const { bins, dollars } = this;
    const at = column * bins;
    const levels = new Float32Array(bins);
    for (let p = 0; p < bins; p++) levels[p] = dollars[frame.long[at + p]] + dollars[frame.short[at + p]];
    for (let pass = 0; pass < SOFTEN; pass++) {
      for (let p = 1, before = levels[0]; p < bins - 1; p++) {
        const own = levels[p];
        levels[p] = (before + 2 * own + levels[p + 1]) / 4;
        before = own;
      }
    }
    const first = Math.max(0, Math.ceil((frame.low[column] - this.low) / this.step - 1));
    const last = Math.min(bins - 1, Math.floor((frame.high[column] - this.low) / this.step));
    for (let p = first; p <= last; p++) if (!frame.long[at + p] && !frame.short[at + p]) levels[p] = 0;
    return levels;
  }

  /** Forget the oldest columns. */
  shift(columns) {
    this.long.copyWithin(0, columns * this.bins);
    this.short.copyWithin(0, columns * this.bins);
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
    return { long: this.dollars[this.long[cell]], short: this.dollars[this.short[cell]], low, high: low + step };
  }
}

/** Draw a `Heat`, the continuing levels right of now, and a dark edge behind the candles. */
export class HeatPrimitive {
  constructor() {
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

  #surface(pen, size, hr, vr) {
    const { heat } = this;
    const x0 = this.chart.timeScale().logicalToCoordinate(0);
    const width = this.chart.timeScale().options().barSpacing;
    const top = this.series.priceToCoordinate(heat.high);
    const bottom = this.series.priceToCoordinate(heat.low);
    if (x0 === null || top === null || bottom === null) return;
    const left = (x0 - width / 2) * hr;
    const right = left + width * heat.count * hr;
    pen.imageSmoothingEnabled = false;
    const y = top * vr;
    const height = (bottom - top) * vr;
    pen.drawImage(heat.texture, 0, 0, heat.count, heat.bins, left, y, right - left, height);
    if (right >= size.width) return;
    pen.drawImage(heat.texture, heat.count - 1, 0, 1, heat.bins, right, y, size.width - right, height);
    const fade = pen.createLinearGradient(right, 0, size.width, 0);
    fade.addColorStop(0, `${GROUND}00`);
    fade.addColorStop(1, `${GROUND}b3`);
    pen.fillStyle = fade;
    pen.fillRect(right, y, size.width - right, height);
  }

  /** Set candles off from bright levels, as the pictures do. */
  #outlines(pen, hr, vr) {
    const scale = this.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const width = scale.options().barSpacing;
    if (!range || width < 1.6) return;
    pen.fillStyle = `${OUTLINE}bf`;
    const first = Math.max(0, Math.floor(range.from));
    const last = Math.min(this.bars.length - 1, Math.ceil(range.to));
    const body = Math.max(1, width * 0.72) + 2.4;
    for (let i = first; i <= last; i++) {
      const bar = this.bars[i];
      if (bar.open === undefined) continue;
      const x = scale.logicalToCoordinate(i);
      const at = (price) => this.series.priceToCoordinate(price);
      const high = at(bar.high) - 1;
      const low = at(bar.low) + 1;
      pen.fillRect((x - 1.5) * hr, high * vr, 3 * hr, (low - high) * vr);
      const head = at(Math.max(bar.open, bar.close)) - 1.2;
      const foot = at(Math.min(bar.open, bar.close)) + 1.2;
      pen.fillRect((x - body / 2) * hr, head * vr, body * hr, (foot - head) * vr);
    }
  }
}
