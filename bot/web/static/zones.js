// Zones at the right edge: where they lie, what they hold, how far they are. Labels never overlap; what was
// consumed fades.

import { LABEL_PX, NARROW_PANE, asideFor } from "./edge.js";
import { distanceOf, percent, usd } from "./format.js";

const WIDE = { width: LABEL_PX.wide, height: 28, money: 14, distance: 12 };
const NARROW = { width: LABEL_PX.narrow, height: 26, money: 13, distance: 11 };
const NUDGE = 16;
const MOST = 9;
const FADE_MS = 1_600;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class ZonePrimitive {
  constructor(look) {
    this.look = look;
    this.zones = [];
    this.leaving = new Map();
    this.price = 0;
    this.marked = null;
    this.hidden = false;
    this.beside = true; // the bars of the profile lie right of the labels
    this.views = [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  attached({ chart, series, requestUpdate }) {
    this.chart = chart;
    this.series = series;
    this.requestUpdate = requestUpdate;
  }

  updateAllViews() {}
  paneViews() { return this.views; }

  /** Show zones; those that are gone fade where `fade` says that it is the same market. */
  show(zones, price, fade) {
    const ids = new Set(zones.map((zone) => zone.id));
    const gone = fade && !still.matches ? this.zones.filter((zone) => !ids.has(zone.id)) : [];
    if (!fade) this.leaving.clear();
    for (const zone of gone) this.leaving.set(zone.id, { zone, since: performance.now() });
    for (const id of ids) this.leaving.delete(id);
    this.zones = zones;
    this.price = price;
    if (gone.length) this.#fade();
    this.requestUpdate?.();
  }

  /** Mark where a zone lies across the whole chart; null unmarks. */
  mark(id) {
    this.marked = this.zones.find((zone) => zone.id === id) ?? null;
    this.requestUpdate?.();
  }

  #fade() {
    if (this.fading) return;
    const step = () => {
      for (const [id, { since }] of this.leaving) if (performance.now() - since > FADE_MS) this.leaving.delete(id);
      this.requestUpdate?.();
      this.fading = this.leaving.size ? requestAnimationFrame(step) : 0;
    };
    this.fading = requestAnimationFrame(step);
  }

  #draw(target) {
    if (!this.price) return;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      if (this.marked) this.#band(context, this.marked, mediaSize.width);
      if (this.hidden) return;
      const size = mediaSize.width < NARROW_PANE ? NARROW : WIDE;
      const right = mediaSize.width - asideFor(mediaSize.width, this.beside);
      const now = this.series.priceToCoordinate(this.price);
      for (const place of this.#places(size, mediaSize.height, now)) this.#pill(context, place, size, right, 1);
      for (const { zone, since } of this.leaving.values()) {
        const y = this.series.priceToCoordinate(zone.peak);
        if (y !== null) this.#pill(context, { zone, y }, size, right, Math.max(0, 1 - (performance.now() - since) / FADE_MS));
      }
    });
  }

  #band(pen, zone, width) {
    const from = this.series.priceToCoordinate(zone.high);
    const to = this.series.priceToCoordinate(zone.low);
    const height = Math.max(2, to - from);
    pen.fillStyle = this.look[zone.side];
    pen.globalAlpha = 0.16;
    pen.fillRect(0, from, width, height);
    pen.globalAlpha = 0.95;
    pen.fillRect(0, from, width, 1);
    pen.fillRect(0, from + height - 1, width, 1);
    pen.globalAlpha = 1;
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

  #pill(pen, { zone, y }, size, right, alpha) {
    const { look } = this;
    const colour = look[zone.side];
    const left = right - size.width - 6;
    const top = y - size.height / 2;
    const from = this.series.priceToCoordinate(zone.high);
    const to = this.series.priceToCoordinate(zone.low);
    pen.fillStyle = colour;
    pen.globalAlpha = 0.9 * alpha;
    pen.fillRect(left - 7, from, 2, Math.max(2, to - from));
    pen.globalAlpha = 0.86 * alpha;
    pen.fillStyle = look.pill;
    pen.beginPath();
    pen.roundRect(left, top, size.width, size.height, 5);
    pen.fill();
    pen.globalAlpha = alpha;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.roundRect(left, top, 4, size.height, [5, 0, 0, 5]);
    pen.fill();
    pen.textBaseline = "middle";
    pen.font = `700 ${size.money}px Inter, sans-serif`;
    pen.fillStyle = look.ink;
    pen.textAlign = "left";
    pen.fillText(usd(zone.notional_usd), left + 12, y + 1);
    pen.font = `600 ${size.distance}px Inter, sans-serif`;
    pen.fillStyle = colour;
    pen.textAlign = "right";
    const distance = distanceOf(zone, this.price);
    pen.fillText(alpha < 1 ? "gone" : distance ? percent(distance) : "here", left + size.width - 8, y + 1);
    pen.globalAlpha = 1;
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
