// Ask for heatmaps that the stream does not carry: other intervals, some exchanges, some leverages.

import { decode } from "./decode.js";
import { ask } from "./fetch.js";
import { heatmapPath, isOwn, zonesPath } from "./state.js";

const AGAIN_MS = 4_000;
const SPREAD_MS = 700; // so that not all who look on ask at the moment a candle closes

export class Own {
  /** `on` = { snapshot(frame), zones(zones), error(message) }. */
  constructor(on) {
    this.on = on;
    this.chosen = null;
  }

  /** Ask for what is chosen, where it is not the stream's. */
  follow(chosen) {
    const path = isOwn(chosen) ? heatmapPath(chosen) : "";
    const isNew = path !== this.path;
    this.path = path;
    this.chosen = chosen;
    if (isNew) this.#later(0);
  }

  /** Ask again, now that a candle has closed. */
  renew() {
    if (this.path) this.#later(Math.random() * SPREAD_MS);
  }

  /** Ask once more for what could not be had. */
  retry() {
    if (this.path) this.#later(0);
  }

  #later(ms) {
    clearTimeout(this.timer);
    this.stop?.abort();
    if (this.path) this.timer = setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    const stop = (this.stop = new AbortController());
    try {
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]);
      const [heatmap, zones] = await Promise.all([
        ask(this.path, { signal }),
        this.chosen.exchanges.length ? ask(zonesPath(this.chosen), { signal }).then((answer) => answer.json()) : null,
      ]);
      const frame = await decode(await heatmap.arrayBuffer());
      if (stop.signal.aborted) return;
      this.on.snapshot(frame);
      if (zones) this.on.zones(zones.zones);
    } catch (error) {
      if (stop.signal.aborted) return;
      if (error.status >= 400 && error.status < 500 && error.status !== 429) this.on.error({ code: "filter", message: error.message });
      else this.#later(AGAIN_MS);
    }
  }
}
