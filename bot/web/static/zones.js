// Zones at the right edge: where they lie, what they hold, how far they are. Labels never overlap.

import { INK, LONG, PILL, SHORT } from "./palette.js";
import { percent, usd } from "./format.js";

const WIDE = { width: 150, height: 30, money: 15, distance: 13 };
const NARROW = { width: 104, height: 26, money: 13, distance: 11 };
const NUDGE = 16;
const MOST = 9;

/** Return how far the nearer edge of a zone is from price, signed; 0 inside it. */
export function distanceOf(zone, price) {
  if (price >= zone.low && price <= zone.high) return 0;
  return (price < zone.low ? zone.low : zone.high) / price - 1;
}

export class ZonePrimitive {
  constructor() {
    this.zones = [];
    this.price = 0;
    this.views = [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  attached({ chart, series, requestUpdate }) {
    this.chart = chart;
    this.series = series;
    this.requestUpdate = requestUpdate;
  }

  updateAllViews() {}
  paneViews() { return this.views; }

  /** Width that labels take, to keep free of candles. */
  static widthFor(paneWidth) {
    return (paneWidth < 560 ? NARROW : WIDE).width + 14;
  }

  show(zones, price) {
    this.zones = zones;
    this.price = price;
    this.requestUpdate?.();
  }

  #draw(target) {
    if (!this.zones.length || !this.price) return;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      const size = mediaSize.width < 560 ? NARROW : WIDE;
      const now = this.series.priceToCoordinate(this.price);
      for (const place of this.#places(size, mediaSize.height, now)) this.#pill(context, place, size, mediaSize.width);
    });
  }

  /** Choose where labels go: the largest first, nudged a little where needed, left out where there is no room. */
  #places(size, height, now) {
    const taken = now === null ? [] : [now];
    const gap = size.height + 3;
    const places = [];
    for (const zone of [...this.zones].sort((a, b) => b.notional_usd - a.notional_usd)) {
      const wish = this.series.priceToCoordinate(zone.peak);
      if (wish === null || wish < gap / 2 || wish > height - gap / 2) continue;
      const y = nearestFree(wish, taken, gap);
      if (y === null || y < gap / 2 || y > height - gap / 2) continue;
      taken.push(y);
      places.push({ zone, y });
      if (places.length >= MOST) break;
    }
    return places;
  }

  #pill(pen, { zone, y }, size, width) {
    const colour = zone.side === "long" ? LONG : SHORT;
    const left = width - size.width - 6;
    const top = y - size.height / 2;
    const from = this.series.priceToCoordinate(zone.high);
    const to = this.series.priceToCoordinate(zone.low);
    pen.fillStyle = colour;
    pen.globalAlpha = 0.9;
    pen.fillRect(left - 7, from, 2, Math.max(2, to - from));
    pen.globalAlpha = 0.8;
    pen.fillStyle = PILL;
    pen.fillRect(left, top, size.width, size.height);
    pen.globalAlpha = 1;
    pen.fillStyle = colour;
    pen.fillRect(left, top, 4, size.height);
    pen.textBaseline = "middle";
    pen.font = `700 ${size.money}px Inter, sans-serif`;
    pen.fillStyle = INK;
    pen.textAlign = "left";
    pen.fillText(usd(zone.notional_usd), left + 12, y + 1);
    pen.font = `600 ${size.distance}px Inter, sans-serif`;
    pen.fillStyle = colour;
    pen.textAlign = "right";
    const distance = distanceOf(zone, this.price);
    pen.fillText(distance ? percent(distance) : "here", left + size.width - 8, y + 1);
  }
}

function nearestFree(wish, taken, gap) {
  const clashes = (y) => taken.some((other) => Math.abs(other - y) < gap);
  if (!clashes(wish)) return wish;
  for (let d = 1; d <= NUDGE; d++) {
    if (!clashes(wish - d)) return wish - d;
    if (!clashes(wish + d)) return wish + d;
  }
  return null;
}
