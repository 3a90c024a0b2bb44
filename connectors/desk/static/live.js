/* The socket: what happens at the desk, live; comes back by itself with a growing pause. */

const BACK_OFF_S = [0.5, 1, 2, 4, 8, 15];
const PING_S = 20;
const PATIENCE_S = 10;
const CLOSE_SESSION = 4401;

/** Events: frame (a frame of the server in detail), online, offline, ended (log in again). */
export class Live extends EventTarget {
  constructor() {
    super();
    this.tries = 0;
    this.socket = null;
    this.opened = null;
    addEventListener("online", () => this.connect());
    addEventListener("pageshow", (event) => event.persisted && this.connect());
    setInterval(() => this.ping(), PING_S * 1000);
  }

  connect() {
    clearTimeout(this.timer);
    if (this.socket) return;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/desk/socket`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.tries = 0;
      this.dispatchEvent(new Event("online"));
    });
    socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.socket === socket) this.lost(event.code);
    });
  }

  take(frame) {
    clearTimeout(this.patience);
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  lost(code) {
    this.socket = null;
    clearTimeout(this.patience);
    if (code === CLOSE_SESSION) {
      this.dispatchEvent(new Event("ended"));
      return;
    }
    const step = BACK_OFF_S[Math.min(this.tries, BACK_OFF_S.length - 1)];
    this.tries += 1;
    this.dispatchEvent(new Event("offline"));
    this.timer = setTimeout(() => this.connect(), step * 1000 * (0.75 + Math.random() / 2));
  }

  /** A connection that is dead without having been closed answers nothing. */
  ping() {
    if (!this.send({ type: "ping" })) return;
    const socket = this.socket;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => {
      if (this.socket !== socket) return;
      this.lost(0);
      socket.close();
    }, PATIENCE_S * 1000);
  }

  /** Follow a conversation; `after`: the last seq that is known of it. */
  open(conversation, after) {
    this.send({ type: "open", conversation, after });
  }

  close() {
    this.send({ type: "close" });
  }

  send(frame) {
    const ready = this.socket && this.socket.readyState === WebSocket.OPEN;
    if (ready) this.socket.send(JSON.stringify(frame));
    return ready;
  }
}
