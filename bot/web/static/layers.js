// What lies over the heatmap: zone labels, standing dollars by exchange, reported liquidations, the cross-hair's words.
// None of it is needed for the first picture.

import { BubblePrimitive } from "./bubbles.js";
import { byId } from "./dom.js";
import { ask } from "./fetch.js";
import { Profile, ProfilePrimitive } from "./profile.js";
import { sentenceOf, showPoint } from "./readout.js";
import { ZonePrimitive } from "./zones.js";

const SAY_MS = 250;

export class Layers {
  /** `told(profile)` is called whenever what stands now has been read anew. */
  constructor(chart, told) {
    this.chart = chart;
    this.profile = new Profile((found) => { this.bars.show(found); told(found); });
    this.bars = new ProfilePrimitive(chart.look);
    this.bubbles = new BubblePrimitive(chart.look);
    this.labels = new ZonePrimitive(chart.look);
    for (const part of [this.bars, this.bubbles, this.labels]) chart.lay(part);
  }

  /** Show or hide one of `labels`, `bars` and `bubbles`. */
  toggle(name, shown) {
    this[name].hidden = !shown;
    this[name].requestUpdate?.();
    if (name === "bars") {
      this.chart.wide = this.labels.beside = shown;
      if (!this.chart.moved) this.chart.fit();
    }
  }

  /** Show what lies under the cross-hair, and say it where the chart has the focus. */
  point(point) {
    const { side, look } = this.chart;
    const parts = point ? this.profile.at(point.price, side) : [];
    const report = point ? this.bubbles.at(point.x, point.y) : undefined;
    showPoint(point && { ...point, report }, parts, side, look.theme);
    clearTimeout(this.saying);
    if (!point || document.activeElement !== byId("chart")) return;
    this.saying = setTimeout(() => { byId("spoken").textContent = sentenceOf(point, parts); }, SAY_MS);
  }

  /** Add the largest that venues reported over the window before this page was opened. */
  async past({ symbol, window }) {
    try {
      const { largest } = await (await ask(`/liquidations?symbol=${symbol}&window=${window}&limit=500`)).json();
      if (symbol !== this.market) return;
      this.bubbles.add(largest.map((each) => ({ ts: each.ts, venue: each.exchange, side: each.side, price: each.price, usd: each.notional_usd })));
    } catch { /* what is reported from now on will do */ }
  }

  /** Add what venues reported: rows of ts, venue, side, price, kind of price, coins, dollars. */
  report(rows) {
    this.bubbles.add(rows.map(([ts, venue, side, price, , , usd]) => ({ ts, venue, side, price, usd })));
  }
}
