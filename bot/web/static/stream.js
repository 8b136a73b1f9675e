// Follow the live chart's stream: one heatmap and one symbol's facts at a time, every message by its number.

import { decode } from "./decode.js";
import { Poll } from "./poll.js";
import { Socket } from "./socket.js";

const FAILURES = 3;

export class Stream {
  /** `on` = { hello, snapshot(frame), columns(frame), facts(message), clock(message), error(message), state(state) }. */
  constructor(on) {
    this.on = on;
    this.wanted = null;
    this.numbers = new Map();
    this.queue = Promise.resolve();
    this.line = "connecting";
    this.slow = false;
    this.poll = new Poll({ ...on, changed: () => this.#tell() }, () => this.wanted);
    this.socket = new Socket("/ws/heatmap", {
      open: () => this.#opened(),
      text: (message) => this.#text(message),
      binary: (buffer) => this.#binary(buffer),
      state: (state) => this.#state(state),
      failed: (times) => times >= FAILURES && this.wanted && this.poll.start(),
    });
  }

  #opened() {
    this.poll.stop();
    this.slow = false;
    this.#tell();
    this.#subscribe();
  }

  #state(state) {
    this.line = state;
    this.#tell();
  }

  /** Say how things stand: by asking now and then the chart lives on without its stream. */
  #tell() {
    if (this.poll.running) this.on.state(this.poll.well ? "polling" : "offline");
    else this.on.state(this.slow && this.line === "live" ? "slow" : this.line);
  }

  /** Follow another symbol or window from now on. */
  follow(symbol, window) {
    const before = this.wanted;
    this.wanted = { symbol, window };
    this.poll.hurry();
    if (!this.socket.isOpen) return;
    if (before && (before.symbol !== symbol || before.window !== window)) {
      this.socket.send({ type: "unsubscribe", channel: "heatmap", symbol: before.symbol, window: before.window });
    }
    if (before && before.symbol !== symbol) {
      this.socket.send({ type: "unsubscribe", channel: "market", symbol: before.symbol });
    }
    this.#subscribe();
  }

  /** Ask for everything again. */
  again() {
    this.poll.hurry();
    if (!this.socket.isOpen) return;
    this.#subscribe();
  }

  /** Connect anew, as when there was no market before. */
  renew() {
    this.socket.renew();
  }

  #subscribe() {
    this.numbers.clear();
    if (!this.wanted) return;
    const { symbol, window } = this.wanted;
    this.socket.send({ type: "subscribe", channel: "heatmap", symbol, window });
    this.socket.send({ type: "subscribe", channel: "market", symbol });
  }

  #isWanted(channel) {
    const { symbol, window } = this.wanted ?? {};
    return channel === `heatmap:${symbol}:${window}` || channel === `market:${symbol}`;
  }

  /** Say whether a message follows the one before; where one was missed, ask for a fresh start. */
  #inOrder(message, fresh) {
    if (!this.#isWanted(message.channel)) return false;
    const before = this.numbers.get(message.channel);
    if (fresh || before === undefined || message.n === before + 1) {
      if (!fresh && before === undefined) return false;
      this.numbers.set(message.channel, message.n);
      return true;
    }
    if (message.n <= before) return false;
    this.numbers.delete(message.channel);
    const [channel, symbol, window] = message.channel.split(":");
    this.socket.send({ type: "resync", channel, symbol, window });
    return false;
  }

  #text(message) {
    switch (message.type) {
      case "hello": this.on.hello(message); break;
      case "clock": this.on.clock(message); break;
      case "market":
      case "facts":
      case "price":
        if (this.#inOrder(message, message.type === "market")) this.on.facts(message);
        break;
      case "error":
        if (message.code === "slow_consumer") this.#hold(true);
        this.on.error(message);
        break;
      default: break; // an acknowledgement, or a newer server's message
    }
  }

  /** Remember whether the server leaves this page out because it reads too slowly. */
  #hold(slow) {
    if (slow === this.slow) return;
    this.slow = slow;
    this.#tell();
  }

  /** Decode in the order of arrival, whatever the time each takes. */
  #binary(buffer) {
    const decoded = decode(buffer);
    this.queue = this.queue.then(async () => {
      const frame = await decoded;
      const { header } = frame;
      if (!this.#inOrder(header, header.type === "snapshot")) return;
      if (header.type === "snapshot") this.#hold(false);
      if (header.type === "snapshot") this.on.snapshot(frame);
      else this.on.columns(frame);
    }).catch((error) => {
      this.on.error({ code: "damaged", message: String(error.message ?? error) });
      this.again();
    });
  }
}
