// The zones as a ladder: shorts above the price, longs below it, each with its dollars, distance and age.

import { byId, el, memory } from "./dom.js";
import { age, distanceOf, percent, price as priceText, usd } from "./format.js";

const FADE_MS = 1_600;
const narrow = matchMedia("(max-width: 920px)");

export class ZoneList {
  constructor(app) {
    this.app = app;
    this.rows = new Map();
    this.body = el("tbody");
    this.price = el("tr", { class: "now" }, el("td", { colspan: "4" }));
    const heads = ["Around", "Dollars", "Away", "Age"].map((text, i) => el("th", { scope: "col", class: i ? "num" : undefined, text }));
    this.empty = el("p", { class: "nothing", text: "" });
    byId("zones-list").replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, ...heads)), this.body), this.empty);
    byId("zones-toggle").addEventListener("click", () => this.toggle());
    byId("zones-close").addEventListener("click", () => { this.toggle(false); byId("zones-toggle").focus(); });
    this.toggle(narrow.matches ? false : memory.get("zones") !== "closed", false);
    narrow.addEventListener("change", () => this.toggle(!narrow.matches, false));
    for (const name of ["zones", "look"]) app.addEventListener(name, () => this.#show());
    this.#show();
  }

  get shown() {
    return byId("zones-pane").dataset.open === "true";
  }

  /** Open or close the list; a phone starts without it. */
  toggle(open = !this.shown, byHand = true) {
    byId("zones-pane").dataset.open = String(open);
    byId("zones-toggle").setAttribute("aria-expanded", String(open));
    if (byHand && !narrow.matches) memory.set("zones", open ? "open" : "closed");
    if (open && byHand && narrow.matches) byId("zones-list").focus();
  }

  #show() {
    const { market, source } = this.app;
    if (!market.price) return;
    const zones = [...this.app.zones()].sort((a, b) => b.peak - a.peak);
    const most = Math.max(1, ...zones.map((zone) => zone.notional_usd));
    const now = source.now_ms ?? market.price_ts ?? Date.now();
    const other = this.symbol !== market.symbol;
    if (other) this.rows.clear();
    this.symbol = market.symbol;
    const rows = zones.map((zone) => this.#row(zone, most, now));
    const leaving = [...this.rows.entries()].filter(([id]) => !zones.some((zone) => zone.id === id));
    for (const [id, row] of leaving) this.#leave(id, row);
    const above = zones.filter((zone) => zone.peak >= market.price).length;
    this.price.firstChild.textContent = priceText(market.price);
    rows.splice(above, 0, this.price);
    this.#place(rows, leaving.map(([, row]) => row));
    if (other) this.#centre();
    this.empty.textContent = zones.length ? "" : market.zones_ready === false ? "Too little history yet to say what is denser than usual." : "Nothing denser than usual.";
    const sum = (side) => zones.filter((zone) => zone.side === side).reduce((total, zone) => total + zone.notional_usd, 0);
    byId("zones-about").replaceChildren(el("span", { class: "short", text: `${usd(sum("short"))} above` }), " · ", el("span", { class: "long", text: `${usd(sum("long"))} below` }));
  }

  /** Bring the price into the middle of the list. */
  #centre() {
    const list = byId("zones-list");
    list.scrollTop = this.price.offsetTop - (list.clientHeight - this.price.offsetHeight) / 2;
  }

  /** Put rows in order without touching those that stand right, so that focus and fading stay. */
  #place(rows, leaving) {
    const kept = new Set([...rows, ...leaving]);
    for (const child of [...this.body.children]) if (!kept.has(child)) child.remove();
    let at = this.body.firstChild;
    for (const row of rows) {
      while (at && leaving.includes(at)) at = at.nextSibling;
      if (at === row) at = at.nextSibling;
      else this.body.insertBefore(row, at);
    }
  }

  #row(zone, most, now) {
    let row = this.rows.get(zone.id);
    if (!row) {
      row = this.#made(zone);
      this.rows.set(zone.id, row);
    }
    delete row.dataset.gone;
    const distance = distanceOf(zone, this.app.market.price);
    const cells = row.children;
    cells[0].firstChild.textContent = priceText(zone.peak);
    cells[1].firstChild.textContent = usd(zone.notional_usd);
    row.style.setProperty("--part", String(zone.notional_usd / most));
    cells[2].textContent = distance ? percent(distance) : "here";
    cells[3].textContent = age(now - zone.born_ts);
    row.title = `${priceText(zone.low)} to ${priceText(zone.high)}, denser than ${Math.round(zone.percentile)}% of the last weeks`;
    return row;
  }

  #made(zone) {
    const mark = (id) => this.app.layers.labels.mark(id);
    return el("tr", {
      tabindex: "0", class: zone.side, data: { zone: zone.id },
      on: {
        pointerenter: () => mark(zone.id), pointerleave: () => mark(null), focus: () => mark(zone.id), blur: () => mark(null),
        keydown: (event) => this.#key(event),
      },
    }, el("td", {}, el("span")), el("td", { class: "num" }, el("b")), el("td", { class: "num away" }), el("td", { class: "num dim" }));
  }

  /** Arrow keys go from zone to zone. */
  #key(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (!step) return;
    event.preventDefault();
    let row = event.currentTarget[step];
    if (row === this.price) row = row[step];
    row?.focus();
  }

  /** Let a zone that is no more fade, then go. */
  #leave(id, row) {
    this.rows.delete(id);
    row.dataset.gone = "true";
    setTimeout(() => row.dataset.gone && row.remove(), FADE_MS);
  }
}
