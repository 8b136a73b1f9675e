// The line to type in: suggestions as a combobox, and a history under the arrow keys.

import { byId, el, memory } from "./dom.js";

const KEPT = 50;
const PAUSE_MS = 60;

export class Ask {
  /** `on` = { submit(line), complete(line) }; answers to `complete` come back through `suggest`. */
  constructor(on) {
    this.on = on;
    this.input = byId("ask");
    this.list = byId("suggestions");
    this.items = [];
    this.chosen = -1;
    this.history = this.#remembered();
    this.at = this.history.length;
    byId("ask-form").addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("focus", () => this.input.value || this.#typed());
    this.input.addEventListener("blur", () => setTimeout(() => this.hide(), 120));
    this.input.addEventListener("keydown", (event) => this.#key(event));
  }

  focus() {
    this.input.focus();
  }

  /** Show what could follow `line`, if that still is what stands there. */
  suggest(line, items) {
    if (line !== this.input.value || document.activeElement !== this.input) return;
    this.items = items.filter((item) => item.line.trim() !== line.trim());
    this.chosen = -1;
    this.list.replaceChildren(...this.items.map((item, i) =>
      el("li", {
        role: "option", id: `suggestion-${i}`, "aria-selected": "false",
        on: { mousedown: (event) => { event.preventDefault(); this.#take(i); } },
      }, el("b", { text: item.label }), el("span", { text: item.about === item.label ? "" : item.about }))));
    const open = this.items.length > 0;
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    this.input.removeAttribute("aria-activedescendant");
  }

  hide() {
    this.items = [];
    this.chosen = -1;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #typed() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.on.complete(this.input.value), PAUSE_MS);
  }

  #submit() {
    const line = this.input.value.trim();
    if (!line) return;
    clearTimeout(this.pause);
    this.input.value = "";
    this.hide();
    this.remember(line);
    this.on.submit(line);
  }

  remember(line) {
    if (this.history.at(-1) !== line) this.history.push(line);
    this.history = this.history.slice(-KEPT);
    this.at = this.history.length;
    memory.set("history", JSON.stringify(this.history));
  }

  #remembered() {
    try {
      const kept = JSON.parse(memory.get("history") ?? "[]");
      return Array.isArray(kept) ? kept.filter((line) => typeof line === "string").slice(-KEPT) : [];
    } catch {
      return [];
    }
  }

  #key(event) {
    const open = !this.list.hidden;
    if (event.key === "Tab" && open && !event.shiftKey) {
      event.preventDefault();
      this.#take(Math.max(0, this.chosen));
    } else if (event.key === "Enter" && open && this.chosen >= 0) {
      event.preventDefault();
      this.#take(this.chosen);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      this.hide();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const step = event.key === "ArrowUp" ? -1 : 1;
      if (open && (this.input.value || this.chosen >= 0)) this.#move(step);
      else this.#recall(step);
    }
  }

  #move(step) {
    const count = this.items.length;
    this.chosen = this.chosen < 0 ? (step > 0 ? 0 : count - 1) : (this.chosen + step + count) % count;
    [...this.list.children].forEach((node, i) => node.setAttribute("aria-selected", String(i === this.chosen)));
    this.list.children[this.chosen].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", `suggestion-${this.chosen}`);
  }

  #recall(step) {
    const next = this.at + step;
    if (next < 0 || next > this.history.length) return;
    this.at = next;
    this.input.value = this.history[next] ?? "";
    this.hide();
  }

  #take(i) {
    const item = this.items[i];
    if (!item) return;
    this.input.value = item.line;
    this.hide();
    this.input.focus();
    if (/[ =]$/.test(item.line)) this.#typed();
  }
}
