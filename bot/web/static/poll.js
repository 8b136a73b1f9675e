// Ask for the chart every few seconds where its stream cannot be had.

import { decode } from "./decode.js";
import { ask, isKept } from "./fetch.js";
import { heatmapPath, WINDOWS, zonesPath } from "./state.js";

const EVERY_MS = 5_000;

export class Poll {
  /** `on` = { hello, snapshot(frame), facts(message), error(message), changed() }; `wanted()` says what is chosen. */
  constructor(on, wanted) {
    this.on = on;
    this.wanted = wanted;
    this.running = false;
    this.well = false;
    this.shown = "";
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.greeted = false;
    this.shown = "";
    this.#ask();
  }

  stop() {
    this.running = false;
    this.well = false;
    clearTimeout(this.again);
  }

  /** Ask now, as when another symbol was chosen. */
  hurry() {
    if (!this.running) return;
    this.shown = "";
    clearTimeout(this.again);
    this.#ask();
  }

  async #ask() {
    const asked = (this.asked = {});
    const isNewest = () => this.running && this.asked === asked;
    let well = false;
    try {
      well = await this.#show(isNewest);
    } catch (error) { // no answer: the next try tells
      if (error.problem && isNewest()) this.on.error({ code: "bad_request", message: error.message });
    }
    if (!isNewest()) return;
    this.well = well;
    this.on.changed();
    this.again = setTimeout(() => this.#ask(), EVERY_MS);
  }

  /** Show what is there; say whether it is fresh and not what the browser kept. */
  async #show(isNewest) {
    const listed = await ask("/api/symbols");
    const found = await listed.json();
    if (!isNewest()) return false;
    if (!this.greeted) {
      this.greeted = found.symbols.length > 0;
      const source = { kind: found.source, label: found.label };
      this.on.hello({ symbols: found.symbols.map((row) => row.symbol), windows: found.windows ?? Object.keys(WINDOWS), source });
      if (!isNewest()) return false; // another symbol was chosen: it is asked for already
    }
    const chosen = this.wanted();
    const [heatmap, zones] = await Promise.all([
      ask(heatmapPath(chosen)), ask(zonesPath(chosen)).then((answer) => answer.json()),
    ]);
    const tag = heatmap.headers.get("ETag") + heatmapPath(chosen);
    const frame = tag === this.shown ? null : await decode(await heatmap.arrayBuffer());
    if (!isNewest()) return false;
    const facts = found.symbols.find((row) => row.symbol === chosen.symbol);
    if (facts) this.on.facts({ ...facts, zones: zones.zones, bar: null });
    if (frame) this.on.snapshot(frame);
    this.shown = tag;
    return !isKept(listed) && !isKept(heatmap);
  }
}
