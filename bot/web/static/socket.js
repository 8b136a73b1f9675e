// A WebSocket that comes back: backoff with jitter, a heartbeat, and word of how it fares.

const FIRST_MS = 400;
const LONGEST_MS = 15_000;
const PING_MS = 8_000;
const SLOW_MS = 2_500;
const DEAD_MS = 25_000;

export class Socket {
  /**
   * `on` = { open(subscribed), text(message), binary(buffer), state("connecting" | "live" | "slow" | "offline"),
   * failed(times) }. `early` is a line that was opened before this module was there: { socket, heard, subscribed }.
   */
  constructor(path, on, early = null) {
    this.path = path;
    this.on = on;
    this.early = early;
    this.tries = 0;
    this.stopped = false;
    this.heard = 0;
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    this.#open();
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Send a message; say whether it left. */
  send(message) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Break the connection and open another one. */
  renew() {
    this.socket?.close();
  }

  close() {
    this.stopped = true;
    this.socket?.close();
  }

  #open() {
    if (this.stopped) return;
    this.#state(this.tries ? "offline" : "connecting");
    const early = this.early;
    this.early = null;
    const socket = early?.socket ?? new WebSocket(new URL(this.path, location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => this.#opened(socket, false);
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = () => {
      clearInterval(this.beat);
      if (this.socket !== socket || this.stopped) return;
      this.#state("offline");
      this.tries += 1;
      this.on.failed?.(this.tries);
      const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.tries, 8));
      this.again = setTimeout(() => this.#open(), most * (0.3 + 0.7 * Math.random()));
    };
    if (early) this.#takeOver(socket, early);
  }

  /** Go on where the early line stands: opened already, with messages that wait, or failed. */
  #takeOver(socket, early) {
    queueMicrotask(() => {
      if (socket.readyState > WebSocket.OPEN) socket.onclose();
      else if (socket.readyState === WebSocket.OPEN) this.#opened(socket, early.subscribed);
      for (const data of early.heard.splice(0)) this.#heard(data);
    });
  }

  #opened(socket, subscribed) {
    this.tries = 0;
    this.heard = performance.now();
    this.#state("live");
    this.#beat(socket);
    this.on.open?.(subscribed);
  }

  #heard(data) {
    this.heard = performance.now();
    if (data instanceof ArrayBuffer) this.on.binary?.(data);
    else this.#text(JSON.parse(data));
  }

  #text(message) {
    if (message.type === "pong") {
      this.#state(performance.now() - this.asked > SLOW_MS ? "slow" : "live");
      return;
    }
    this.on.text?.(message);
  }

  /** Ask now and then whether the other side still answers; a silent line is given up. */
  #beat(socket) {
    clearInterval(this.beat);
    this.beat = setInterval(() => {
      const silent = performance.now() - this.heard;
      if (silent > DEAD_MS) {
        socket.onclose();
        socket.onclose = null;
        socket.close();
        return;
      }
      if (silent > PING_MS + SLOW_MS) this.#state("slow");
      this.asked = performance.now();
      this.send({ type: "ping" });
    }, PING_MS);
  }

  #hurry() {
    if (this.stopped || this.isOpen || this.socket?.readyState === WebSocket.CONNECTING) return;
    clearTimeout(this.again);
    this.#open();
  }

  #state(state) {
    if (state === this.state) return;
    this.state = state;
    this.on.state?.(state);
  }
}
