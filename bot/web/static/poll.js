// Ask for the chart every few seconds where its stream cannot be had.

import { decode } from "./decode.js";

const EVERY_MS = 5_000;
const PATIENCE_MS = 10_000;

export class Poll {
  /** `on` = { hello, snapshot(frame), facts(message), changed() }; `wanted()` says which symbol and window. */
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
      await this.#show(isNewest);
      well = true;
    } catch { /* no answer: the next try tells */ }
    if (!isNewest()) return;
    this.well = well;
    this.on.changed();
    this.again = setTimeout(() => this.#ask(), EVERY_MS);
  }

  async #show(isNewest) {
    const found = await (await get("/api/symbols")).json();
    if (!isNewest()) return;
    if (!this.greeted) {
      this.greeted = found.symbols.length > 0;
      const source = { kind: found.source, label: found.label };
      this.on.hello({ symbols: found.symbols.map((row) => row.symbol), windows: found.windows, source });
      if (!isNewest()) return; // another symbol was chosen: it is asked for already
    }
    const { symbol, window } = this.wanted();
    const query = `symbol=${encodeURIComponent(symbol)}`;
    const [heatmap, zones] = await Promise.all([
      get(`/api/heatmap?${query}&window=${window}&format=binary`),
      get(`/zones?${query}`).then((answer) => answer.json()),
    ]);
    const tag = heatmap.headers.get("ETag");
    const frame = tag && tag === this.shown ? null : await decode(await heatmap.arrayBuffer());
    if (!isNewest()) return;
    const facts = found.symbols.find((row) => row.symbol === symbol);
    if (facts) this.on.facts({ ...facts, zones: zones.zones, bar: null });
    if (frame) this.on.snapshot(frame);
    this.shown = tag;
  }
}

async function get(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}
