// What stands now, price by price, stacked by exchange at the right edge.

import { NARROW_PANE, barsFor } from "./edge.js";
import { ask } from "./fetch.js";
import { profilePath } from "./state.js";
import { colourOf, titleOf } from "./venues.js";

const BINS = 160;
const PAUSE_MS = 250;

/** Ask for each exchange's part of what stands now, and say what part each has at a price. */
export class Profile {
  constructor(changed) {
    this.changed = changed;
    this.parts = [];
    this.edges = [];
  }

  /** Ask for what is chosen between two prices, a little later; what was shown is forgotten where it is another market's. */
  follow(chosen, low, high, fresh) {
    if (fresh) this.#show([], []);
    clearTimeout(this.timer);
    this.stop?.abort();
    this.timer = setTimeout(() => this.#ask(profilePath(chosen, low, high, BINS)), PAUSE_MS);
  }

  async #ask(path) {
    const stop = (this.stop = new AbortController());
    try {
      const found = await (await ask(path, { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]) })).json();
      if (!stop.signal.aborted) this.#show(found.exchanges, found.edges);
    } catch { /* the next candle asks again; until then what was there stays */ }
  }

  #show(parts, edges) {
    this.parts = [...parts].sort((a, b) => b.share - a.share);
    this.edges = edges;
    this.changed(this);
  }

  /** Return the dollars of each exchange in the bin of a price, largest first: [{ exchange, usd, share }]. */
  at(price, side) {
    const { edges } = this;
    if (edges.length < 2) return [];
    const bin = Math.floor((price - edges[0]) / (edges[1] - edges[0]));
    if (bin < 0 || bin >= edges.length - 1) return [];
    const dollars = this.parts.map((part) => ({ exchange: part.exchange, usd: valueOf(part, bin, side) })).filter((part) => part.usd > 0);
    const sum = dollars.reduce((total, part) => total + part.usd, 0);
    return dollars.map((part) => ({ ...part, title: titleOf(part.exchange), share: part.usd / sum })).sort((a, b) => b.usd - a.usd);
  }
}

const valueOf = (part, bin, side) =>
  (side === "short" ? 0 : part.long_profile_usd[bin]) + (side === "long" ? 0 : part.short_profile_usd[bin]);

export class ProfilePrimitive {
  constructor(look) {
    this.look = look;
    this.profile = null;
    this.side = "both";
    this.hidden = false;
    this.views = [{ zOrder: () => "normal", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  attached({ series, requestUpdate }) {
    this.series = series;
    this.requestUpdate = requestUpdate;
  }

  updateAllViews() {}
  paneViews() { return this.views; }

  only(side) {
    this.side = side;
    this.requestUpdate?.();
  }

  show(profile) {
    this.profile = profile;
    this.requestUpdate?.();
  }

  #draw(target) {
    const { profile, side } = this;
    if (this.hidden || !profile?.parts.length) return;
    const { edges, parts } = profile;
    const sums = edges.slice(1).map((_, bin) => parts.reduce((sum, part) => sum + valueOf(part, bin, side), 0));
    const most = Math.max(...sums);
    if (!(most > 0)) return;
    const colours = parts.map((part) => colourOf(part.exchange, this.look.theme));
    target.useBitmapCoordinateSpace(({ context: pen, bitmapSize, mediaSize, horizontalPixelRatio, verticalPixelRatio }) => {
      const room = (barsFor(mediaSize.width) - 4) * horizontalPixelRatio;
      const at = edges.map((edge) => this.series.priceToCoordinate(edge) * verticalPixelRatio);
      pen.globalAlpha = mediaSize.width < NARROW_PANE ? 0.7 : 0.92;
      sums.forEach((sum, bin) => {
        if (!sum) return;
        const top = Math.round(at[bin + 1]);
        const height = Math.max(1, Math.round(at[bin]) - top - 1);
        let x = bitmapSize.width;
        parts.forEach((part, i) => {
          const width = (valueOf(part, bin, side) / most) * room;
          pen.fillStyle = colours[i];
          pen.fillRect(x - width, top, width, height);
          x -= width;
        });
      });
      pen.globalAlpha = 1;
    });
  }
}
