// Which exchanges count: each with its colour, its part and how it is doing, asked for every 30 s.

import { byId, el } from "./dom.js";
import { ask } from "./fetch.js";
import { age } from "./format.js";
import { colourOf, titleOf } from "./venues.js";

const EVERY_MS = 30_000;
const STATES = { up: "live", connecting: "connecting", stale: "silent", down: "down", paused: "paused", ended: "ended" };
const percentOf = (share) => `${share >= 0.1 ? Math.round(share * 100) : (share * 100).toFixed(1)}%`;

export class Exchanges {
  constructor(app) {
    this.app = app;
    this.venues = [];
    this.items = new Map();
    for (const name of ["chosen", "profile", "look", "hello"]) app.addEventListener(name, () => this.#show());
    byId("exchanges-all").addEventListener("click", () => app.state.change({ exchanges: [] }));
    document.addEventListener("visibilitychange", () => document.hidden || this.#ask());
    this.#ask();
  }

  async #ask() {
    clearTimeout(this.timer);
    try {
      const found = await (await ask("/exchanges/health")).json();
      this.venues = found.venues;
      this.now = found.now_ms;
      this.lost = false;
    } catch {
      this.lost = true;
    }
    this.#show();
    if (!document.hidden) this.timer = setTimeout(() => this.#ask(), EVERY_MS);
  }

  /** Return the exchanges that count, with their parts of what stands now. */
  #rows() {
    const parts = new Map(this.app.layers.profile.parts.map((part) => [part.exchange, part.share]));
    const traded = this.app.market.venues ?? [];
    const names = [...new Set([...this.venues.map((each) => each.venue), ...parts.keys()])];
    return names.map((name) => ({
      name, share: parts.get(name), health: this.venues.find((each) => each.venue === name),
      traded: !traded.length || traded.includes(name),
    })).sort((a, b) => (b.share ?? -1) - (a.share ?? -1) || a.name.localeCompare(b.name));
  }

  #show() {
    const { chart, state } = this.app;
    const { theme } = chart.look;
    const chosen = state.now.exchanges;
    const rows = this.#rows();
    const items = rows.map((row) => this.#item(row, chosen, theme));
    const list = byId("venue-list");
    if (items.length !== list.children.length || items.some((item, i) => item !== list.children[i])) list.replaceChildren(...items);
    byId("exchanges-text").textContent = chosen.length ? (chosen.length === 1 ? titleOf(chosen[0]) : String(chosen.length)) : "all";
    byId("exchanges-open").classList.toggle("on", chosen.length > 0);
    byId("exchanges-dots").replaceChildren(...rows.slice(0, 6).map((row) => dot(row, theme)));
    byId("venues").replaceChildren(...rows.filter((row) => row.share > 0).slice(0, 5).map(({ name, share }) => {
      const mark = el("i", { class: "swatch", "aria-hidden": "true" });
      mark.style.background = colourOf(name, theme);
      return el("li", {}, mark, ` ${titleOf(name)} ${percentOf(share)}`);
    }));
  }

  /** Return the row of an exchange, brought up to date; the same element each time, so that focus stays. */
  #item({ name, share, health, traded }, chosen, theme) {
    if (!this.items.has(name)) this.items.set(name, this.#made(name));
    const item = this.items.get(name);
    const { box, mark, part, badge, only, past } = item;
    box.disabled = only.disabled = !traded;
    box.checked = traded && (!chosen.length || chosen.includes(name));
    mark.style.background = colourOf(name, theme);
    part.textContent = share === undefined ? (traded ? "" : "not read") : percentOf(share);
    badge.dataset.state = this.lost ? "unknown" : health?.state ?? "unknown";
    badge.textContent = this.lost ? "not known" : health ? STATES[health.state] ?? health.state : "unknown";
    badge.title = health?.note ?? "";
    past.textContent = pastOf(health, this.now);
    return item.row;
  }

  #made(name) {
    const box = el("input", { type: "checkbox", data: { venue: name }, on: { change: () => this.#toggle(name, box.checked) } });
    const mark = el("i", { class: "swatch", "aria-hidden": "true" });
    const part = el("span", { class: "num" });
    const badge = el("span", { class: "badge-health" });
    const only = el("button", { type: "button", class: "only", text: "only", "aria-label": `Only ${titleOf(name)}`, on: { click: () => this.app.state.change({ exchanges: [name] }) } });
    const past = el("p", { class: "past" });
    const row = el("li", {}, el("label", {}, box, mark, el("span", { class: "name", text: titleOf(name) }), part), badge, only, past);
    return { row, box, mark, part, badge, only, past };
  }

  /** Count an exchange in or out; all of them is the same as none chosen. */
  #toggle(name, on) {
    const { state } = this.app;
    const all = this.#rows().filter((row) => row.traded).map((row) => row.name);
    const before = state.now.exchanges.length ? state.now.exchanges : all;
    const next = on ? [...new Set([...before, name])].sort() : before.filter((each) => each !== name);
    state.change({ exchanges: next.length === all.length || !next.length ? [] : [...next].sort() });
    this.#show();
  }
}

/** Return a dot in the venue's colour; hollow where the venue does not answer. */
function dot({ name, health }, theme) {
  const node = el("i", { class: "swatch", data: { ok: String(health?.ok ?? true) } });
  node.style.setProperty("--venue", colourOf(name, theme));
  return node;
}

/** Say how the last day of an exchange went, in a line. */
function pastOf(health, now) {
  if (!health) return "";
  const day = health.last_24h;
  const parts = [];
  if (day?.uptime !== null && day?.uptime !== undefined) parts.push(`up ${(day.uptime * 100).toFixed(1)}% of the day`);
  if (day?.reconnects) parts.push(`${day.reconnects} reconnects`);
  if (health.newest_ms && now - health.newest_ms > 60_000) parts.push(`last heard ${age(now - health.newest_ms)} ago`);
  return parts.join(" · ") || health.note;
}
