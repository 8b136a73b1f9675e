// What venues reported as liquidated: a bubble where and when it happened, its area as its dollars.

const MOST = 600;
const LEAST_PX = 2.5;
const LARGEST_PX = 22;
const SMALL_USD = 250_000; // the least that the largest bubble stands for

export class BubblePrimitive {
  constructor(look) {
    this.look = look;
    this.reports = [];
    this.bars = [];
    this.side = "both";
    this.hidden = false;
    this.views = [{ zOrder: () => "top", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  attached({ chart, series, requestUpdate }) {
    this.chart = chart;
    this.series = series;
    this.requestUpdate = requestUpdate;
  }

  updateAllViews() {}
  paneViews() { return this.views; }

  only(side) {
    this.side = side;
    this.requestUpdate?.();
  }

  clear() {
    this.reports = [];
    this.requestUpdate?.();
  }

  /** Add reports, { ts, venue, side, price, usd }; of too many the smallest are left out. */
  add(reports) {
    const known = new Set(this.reports.map(nameOf));
    this.reports.push(...reports.filter((report) => !known.has(nameOf(report))));
    if (this.reports.length > MOST) this.reports = this.reports.sort((a, b) => b.usd - a.usd).slice(0, MOST);
    this.most = Math.max(SMALL_USD, ...this.reports.map((report) => report.usd));
    this.requestUpdate?.();
  }

  /** Return the report under a point, if any. */
  at(x, y) {
    if (this.hidden) return undefined;
    return this.placed().find((each) => Math.hypot(each.x - x, each.y - y) <= each.radius + 2);
  }

  /** Return the reports that are in view, the smallest last. */
  placed() {
    const { bars } = this;
    if (!this.chart || !bars.length || !this.reports.length) return [];
    const scale = this.chart.timeScale();
    const x0 = scale.logicalToCoordinate(0);
    const spacing = scale.options().barSpacing;
    const placed = [];
    for (const report of this.reports) {
      if (this.side !== "both" && report.side !== this.side) continue;
      const y = this.series.priceToCoordinate(report.price);
      const at = indexOf(bars, report.ts / 1000);
      if (y === null || at < 0) continue;
      const radius = LEAST_PX + (LARGEST_PX - LEAST_PX) * Math.sqrt(report.usd / this.most);
      placed.push({ ...report, x: x0 + (at - 0.5) * spacing, y, radius });
    }
    return placed.sort((a, b) => b.radius - a.radius);
  }

  #draw(target) {
    if (this.hidden) return;
    const placed = this.placed();
    target.useMediaCoordinateSpace(({ context: pen }) => {
      for (const { x, y, radius, side } of placed) {
        pen.beginPath();
        pen.arc(x, y, radius, 0, 2 * Math.PI);
        pen.globalAlpha = 0.38;
        pen.fillStyle = this.look[side];
        pen.fill();
        pen.globalAlpha = 0.95;
        pen.lineWidth = 1.25;
        pen.strokeStyle = this.look.ink;
        pen.stroke();
      }
      pen.globalAlpha = 1;
    });
  }
}

const nameOf = (report) => `${report.ts} ${report.venue} ${report.side} ${report.price} ${report.usd}`;

/** Return where a time lies among bars, as a fraction of their number; -1 before the first. */
function indexOf(bars, time) {
  if (time < bars[0].time) return -1;
  let low = 0;
  let high = bars.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bars[middle].time <= time) low = middle;
    else high = middle - 1;
  }
  const step = bars.length > 1 ? bars[1].time - bars[0].time : 300;
  return low + Math.min(1, (time - bars[low].time) / step);
}
