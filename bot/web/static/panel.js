// The panel's session: commands out, answers and alerts in, over one WebSocket.

import { Ask } from "./ask.js";
import { alertCard, errorCard, hintCard, pendingCard, quickButtons, replyCard, said } from "./cards.js";
import { byId, memory } from "./dom.js";
import { Socket } from "./socket.js";

const MOST_CARDS = 200;
const TOAST_MS = 9_000;
const SEEN_MS = 4_000;
const ABOVE_PX = 14; // between the edge of the log and the card whose head is shown
const narrow = matchMedia("(max-width: 920px)");

/** Start the panel. `page` = { choose(symbol, window), chosen }. */
export async function startPanel(page) {
  const session = await fetch("/api/session").then((answer) => answer.json()).catch(() => ({ panel: true }));
  const panel = new Panel(page);
  if (session.panel) panel.open();
  else panel.lock();
}

class Panel {
  constructor(page) {
    this.page = page;
    this.log = byId("log");
    this.waiting = new Map();
    this.alerts = new Map();
    this.unseen = new Set();
    this.nextId = 1;
    this.unread = 0;
    this.on = {
      press: (action, card, button) => this.#press(action, card, button),
      command: (line) => this.#command(line),
      choose: (symbol, window) => this.#choose(symbol, window),
    };
    this.ask = new Ask({ submit: (line) => this.#command(line), complete: (line) => this.#complete(line) });
    byId("panel-toggle").addEventListener("click", () => this.#show(!this.shown, true));
    byId("grip").addEventListener("click", () => this.#show(!this.shown, true));
    byId("ask").addEventListener("focus", () => narrow.matches && this.#show(true));
    byId("sign-in").addEventListener("submit", (event) => { event.preventDefault(); this.#signIn(event.target); });
    document.addEventListener("visibilitychange", () => this.#seen());
    addEventListener("keydown", (event) => this.#shortcut(event));
    this.#show(narrow.matches ? false : memory.get("panel") !== "closed");
    narrow.addEventListener("change", () => this.#show(!narrow.matches));
  }

  get shown() {
    return byId("panel").dataset.open === "true";
  }

  open() {
    byId("sign-in").hidden = true;
    byId("log").hidden = false;
    byId("ask-form").hidden = false;
    if (!this.log.childElementCount) this.log.append(hintCard(this.on.command, this.page.chosen.symbol));
    byId("quick").replaceChildren(...quickButtons(this.on.command, this.page.chosen.symbol));
    byId("quick").hidden = memory.get("began") === "yes";
    this.socket = new Socket("/ws/panel", { text: (message) => this.#hear(message), state: (state) => this.#state(state) });
  }

  lock() {
    byId("log").hidden = true;
    byId("ask-form").hidden = true;
    byId("sign-in").hidden = false;
    const asked = new URLSearchParams(location.search);
    if (!asked.has("denied")) return;
    byId("sign-in-wrong").textContent = "The token in that address was not the one printed at start.";
    asked.delete("denied");
    history.replaceState(null, "", `?${asked}`);
  }

  async #signIn(form) {
    const answer = await fetch("/panel/sign-in", { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (answer?.ok) {
      this.open();
      return;
    }
    const problem = await answer?.json().catch(() => null);
    byId("sign-in-wrong").textContent = problem?.detail ?? "Liqwatch does not answer. Try again in a moment.";
  }

  #hear(message) {
    switch (message.type) {
      case "hello": this.#count(message.unread); break;
      case "reply": this.#replied(message); break;
      case "alert": this.#alerted(message); break;
      case "completions": this.ask.suggest(message.line, message.items); break;
      case "unread": this.#count(message.unread); break;
      case "error": this.#failed(message); break;
      default: break; // the clock comes with the chart's stream; anything else is from a newer server
    }
  }

  #state(state) {
    byId("ask").placeholder = state === "offline" ? "Not connected, trying again" : "Type / for commands";
    if (state !== "offline") return;
    for (const [id, wait] of this.waiting) {
      this.waiting.delete(id);
      wait.button?.removeAttribute("disabled");
      this.#settle(wait, errorCard("The connection broke before the answer came.", wait.again));
    }
  }

  #command(line) {
    this.log.querySelector(".hint")?.remove();
    byId("quick").hidden = true;
    memory.set("began", "yes");
    const wait = { card: pendingCard(), again: () => this.#command(line) };
    this.#append(said(line), wait.card);
    this.#send({ type: "command", line }, wait);
    if (narrow.matches) this.#show(true);
  }

  #press(action, card, button) {
    button.disabled = true;
    const wait = { card: pendingCard(), origin: card, button, again: () => this.#press(action, card, button) };
    this.#append(wait.card);
    const delivery = card.dataset.delivery ? Number(card.dataset.delivery) : undefined;
    this.#send({ type: "press", action, delivery }, wait);
  }

  #complete(line) {
    this.socket?.send({ type: "complete", id: 0, line });
  }

  #choose(symbol, window) {
    const { chosen } = this.page;
    this.page.choose(symbol ?? chosen.symbol, window ?? chosen.window);
    if (narrow.matches) this.#show(false);
  }

  #send(message, wait) {
    const id = this.nextId++;
    this.waiting.set(id, wait);
    if (this.socket?.send({ ...message, id })) return;
    this.waiting.delete(id);
    wait.button?.removeAttribute("disabled");
    this.#settle(wait, errorCard("Not connected to Liqwatch.", wait.again));
  }

  #replied({ id, reply }) {
    const wait = this.waiting.get(id);
    this.waiting.delete(id);
    const card = replyCard(reply, this.on);
    if (!wait) {
      this.#append(card);
      return;
    }
    wait.button?.removeAttribute("disabled");
    if (reply.edits && wait.origin?.isConnected && !wait.origin.dataset.alert) {
      wait.card.remove();
      wait.origin.replaceWith(card);
      return;
    }
    this.#settle(wait, card);
  }

  #failed({ id, message }) {
    const wait = this.waiting.get(id);
    this.waiting.delete(id);
    wait?.button?.removeAttribute("disabled");
    if (wait) this.#settle(wait, errorCard(message));
    else if (id !== 0) this.#append(errorCard(message));
  }

  /** Put an answer where its placeholder stood. */
  #settle(wait, card) {
    wait.card.replaceWith(card);
    this.#follow(card);
  }

  /** Show an alert once: a repeated push changes nothing, a later revision takes the place of the earlier one. */
  #alerted(alert) {
    const known = this.alerts.get(alert.alert);
    if (known?.isConnected && Number(known.dataset.revision) >= alert.revision) return;
    const card = alertCard(alert, this.on);
    this.alerts.set(alert.alert, card);
    this.log.querySelector(".hint")?.remove();
    if (known?.isConnected) known.replaceWith(card);
    else this.#append(card);
    if (alert.unread) this.unseen.add(alert.delivery);
    if (!alert.inbox && alert.unread) {
      this.#count(this.unread + 1);
      if (!this.shown) this.#toast(alert);
    }
    this.#seen();
  }

  #toast(alert) {
    const card = alertCard({ ...alert, image: null, buttons: [] }, this.on);
    card.addEventListener("click", () => { card.remove(); this.#show(true); });
    byId("toasts").append(card);
    setTimeout(() => card.remove(), TOAST_MS);
  }

  /** Tell the server what has been in view. */
  #seen() {
    if (!this.shown || document.hidden) return;
    for (const delivery of this.unseen) {
      if (!this.socket?.send({ type: "ack", delivery })) continue;
      this.unseen.delete(delivery);
      const card = this.log.querySelector(`[data-delivery="${delivery}"]`);
      setTimeout(() => card?.classList.remove("unseen"), SEEN_MS);
    }
  }

  #count(unread) {
    this.unread = unread;
    for (const badge of [byId("unread"), byId("unread-sheet")]) {
      badge.hidden = !unread;
      badge.textContent = `${unread > 99 ? "99+" : unread}${badge.id === "unread" ? "" : " new"}`;
      badge.setAttribute("aria-label", `${unread} unread`);
    }
  }

  #append(...nodes) {
    const followed = this.#isFollowed();
    this.log.append(...nodes);
    while (this.log.childElementCount > MOST_CARDS) this.log.firstElementChild.remove();
    if (followed) this.#follow(nodes.at(-1));
  }

  /** Say whether the log stands where it was put, or near its end: nobody has scrolled back. */
  #isFollowed() {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    return scrollHeight - scrollTop - clientHeight < 120 || Math.abs(scrollTop - this.followed) < 2;
  }

  /** Keep the newest card in view, also when its picture comes later; of one that is too tall, its head. */
  #follow(card) {
    const scroll = () => {
      const { log } = this;
      // Where it is laid out, not where its entrance has it at this moment.
      const top = card.offsetTop - (card.offsetParent === log ? 0 : log.offsetTop);
      log.scrollTop = Math.min(log.scrollHeight - log.clientHeight, top - ABOVE_PX);
      this.followed = log.scrollTop;
    };
    scroll();
    const late = () => card.isConnected && this.#isFollowed() && scroll();
    for (const image of card.querySelectorAll?.("img") ?? []) image.addEventListener("load", late, { once: true });
  }

  #show(open, byHand = false) {
    byId("panel").dataset.open = String(open);
    byId("panel-toggle").setAttribute("aria-expanded", String(open));
    byId("grip").setAttribute("aria-expanded", String(open));
    if (byHand && !narrow.matches) memory.set("panel", open ? "open" : "closed");
    if (open) {
      if (this.log.lastElementChild) this.#follow(this.log.lastElementChild);
      this.#seen();
      if (byHand && !narrow.matches) this.ask.focus();
    }
  }

  /** "/" goes to the line from anywhere; Escape closes the sheet of a phone. */
  #shortcut(event) {
    const typing = /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.#show(true);
      this.ask.focus();
      byId("ask").value ||= "/";
      this.#complete("/");
    } else if (event.key === "Escape" && narrow.matches && this.shown && !byId("lightbox").open) {
      this.#show(false);
      byId("ask").blur();
    }
  }
}
