// Follow the live chart's stream: one heatmap and one symbol's facts at a time, every message by its number.

import { decode } from "./decode.js";
import { Socket } from "./socket.js";
import { isOwn } from "./state.js";

const FAILURES = 3;

/** Return the channels that show what is chosen. */
function channelsOf(chosen, reports) {
  const names = [`market:${chosen.symbol}`];
  if (!isOwn(chosen)) names.unshift(`heatmap:${chosen.symbol}:${chosen.window}`);
  if (reports) names.push(`liquidations:${chosen.symbol}`);
  return names;
}

const SNAPSHOTS = new Set(["snapshot", "market", "liquidations"]);

export class Stream {
  /**
   * `on` = { hello, snapshot(frame), columns(frame), facts(message), liquidations(message), clock(message),
   * error(message), state(state, behind) }; `behind` where the server leaves this page out.
   */
  constructor(on, early = null) {
    this.on = on;
    this.early = early;
    this.wanted = null;
    this.following = new Set();
    this.numbers = new Map();
    this.queue = Promise.resolve();
    this.line = "connecting";
    this.slow = false;
    this.reports = false;
    this.decoded = early?.decoded;
    this.poll = null;
    this.socket = new Socket("/ws/heatmap", {
      open: (subscribed) => this.#opened(subscribed),
      text: (message) => this.#text(message),
      binary: (buffer) => this.#binary(buffer),
      state: (state) => this.#state(state),
      failed: (times) => times >= FAILURES && this.wanted && this.#fallBack(),
    }, early);
  }

  #opened(subscribed) {
    this.early = null;
    this.poll?.stop();
    this.slow = false;
    this.#tell();
    this.following.clear();
    this.numbers.clear();
    if (subscribed) channelsOf(this.wanted, false).forEach((name) => this.following.add(name));
    this.#subscribe();
  }

  /** Ask every few seconds from now on, until the line is back. */
  async #fallBack() {
    const { Poll } = await import("./poll.js");
    if (this.socket.isOpen) return;
    this.poll ??= new Poll({ ...this.on, changed: () => this.#tell() }, () => this.wanted);
    this.poll.start();
  }

  #state(state) {
    this.line = state;
    this.#tell();
  }

  /** Say how things stand: by asking now and then the chart lives on without its stream. */
  #tell() {
    if (this.poll?.running) this.on.state(this.poll.well ? "polling" : "offline");
    else this.on.state(this.slow && this.line === "live" ? "slow" : this.line, this.slow);
  }

  /** Show something else from now on. */
  follow(chosen) {
    this.wanted = { ...chosen };
    this.poll?.hurry();
    if (this.socket.isOpen && !this.early) this.#subscribe();
  }

  /** Follow what venues report as liquidated as well; a replay has none. */
  withReports(reports) {
    if (reports === this.reports) return;
    this.reports = reports;
    if (this.socket.isOpen) this.#subscribe();
  }

  /** Ask for everything again. */
  again() {
    this.poll?.hurry();
    if (!this.socket.isOpen) return;
    this.following.clear();
    this.#subscribe();
  }

  /** Connect anew, as when there was no market before. */
  renew() {
    this.socket.renew();
  }

  /** Leave the channels that are no longer wanted, and follow those that are. */
  #subscribe() {
    if (!this.wanted) return;
    const wanted = channelsOf(this.wanted, this.reports);
    for (const name of this.following) {
      if (wanted.includes(name)) continue;
      this.following.delete(name);
      this.numbers.delete(name);
      this.socket.send({ type: "unsubscribe", channel: name, id: name });
    }
    for (const name of wanted) {
      if (this.following.has(name)) continue;
      this.following.add(name);
      this.numbers.delete(name);
      this.socket.send({ type: "subscribe", channel: name, id: name });
    }
    window.__liqwatch.following = [...this.following];
  }

  /** Say whether a message follows the one before; where one was missed, ask for a fresh start. */
  #inOrder(message) {
    const { channel, n, type } = message;
    if (!this.following.has(channel)) return false;
    const before = this.numbers.get(channel);
    if (SNAPSHOTS.has(type) || n === before + 1) {
      this.numbers.set(channel, n);
      return true;
    }
    if (before === undefined || n <= before) return false;
    this.numbers.delete(channel);
    this.socket.send({ type: "resync", channel });
    return false;
  }

  #text(message) {
    switch (message.type) {
      case "hello": this.on.hello(message); break;
      case "clock": this.on.clock(message); break;
      case "market":
      case "facts":
      case "price":
        if (this.#inOrder(message)) this.on.facts(message);
        break;
      case "liquidations":
      case "liquidated":
        if (this.#inOrder(message)) this.on.liquidations(message);
        break;
      case "error": this.#failed(message); break;
      default: break; // an acknowledgement, or a newer server's message
    }
  }

  #failed(message) {
    if (message.code === "slow_consumer") this.#hold(true);
    const channel = message.channel ?? (String(message.id ?? "").includes(":") ? message.id : "");
    if (channel && (!this.following.delete(channel) || channel.startsWith("liquidations:"))) return; // not wanted any more
    this.on.error(message);
  }

  /** Remember whether the server leaves this page out because it reads too slowly. */
  #hold(slow) {
    if (slow === this.slow) return;
    this.slow = slow;
    this.#tell();
  }

  /** Decode in the order of arrival, whatever the time each takes. */
  #binary(buffer) {
    const decoded = this.decoded?.get(buffer) ?? decode(buffer);
    decoded.catch(() => {}); // told below, in its turn
    this.queue = this.queue.then(async () => {
      const frame = await decoded;
      const isSnapshot = frame.header.type === "snapshot";
      if (!this.#inOrder(frame.header)) return;
      if (isSnapshot) this.#hold(false);
      if (isSnapshot) this.on.snapshot(frame);
      else this.on.columns(frame);
    }).catch((error) => {
      this.on.error({ code: "damaged", message: String(error.message ?? error) });
      this.again();
    });
  }
}
