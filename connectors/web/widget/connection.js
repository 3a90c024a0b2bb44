/* The socket: session, greeting, reconnecting with back-off, and sending the queue one message at a time. */

const BACK_OFF_S = [0.5, 1, 2, 4, 8, 15, 30];
const ACK_S = 10;
const CLOSE_SESSION = 4401;

/**
 * Events (CustomEvent): frame (one frame of the server in detail), state ({online, wait_s}), sent ({id, seq}),
 * refused ({id, text}), late ({id}), fresh (a new session began: the old conversation is gone).
 */
export class Connection extends EventTarget {
  constructor(server, memory) {
    super();
    this.server = server;
    this.memory = memory;
    this.language = "en";
    this.lastSeq = 0;
    this.tries = 0;
    this.socket = null;
    this.ready = false;
    this.wanted = false;
    this.inFlight = null;
    addEventListener("online", () => this.wanted && !this.ready && this.connect());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.wanted && this.connect());
  }

  /** Connect and stay connected. */
  async connect() {
    this.wanted = true;
    clearTimeout(this.retryTimer);
    if (this.socket || this.opening) return;
    this.opening = true;
    try {
      if (!this.memory.get("token")) await this.newSession();
      this.openSocket();
    } catch {
      this.later();
    } finally {
      this.opening = false;
    }
  }

  async newSession() {
    const answer = await fetch(`${this.server}/webhooks/web/session`, { method: "POST", credentials: "omit" });
    if (answer.status === 403) console.warn(`Shoptalk: add ${location.origin} to web: origins in credentials.yml`);
    if (!answer.ok) throw new Error(`session: ${answer.status}`);
    const { token } = await answer.json();
    this.memory.write({ token });
  }

  openSocket() {
    const socket = new WebSocket(`${this.server.replace(/^http/, "ws")}/webhooks/web/socket`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      const hello = { type: "hello", token: this.memory.get("token"), last_seq: this.lastSeq, lang: this.language };
      socket.send(JSON.stringify(hello));
    });
    socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.socket !== socket) return;
      this.lost();
      if (event.code === CLOSE_SESSION) this.startAgain();
      if (this.wanted) this.later();
    });
  }

  /** The server does not know the session any more: buttons it signed are void, texts are kept. */
  startAgain() {
    for (const item of this.memory.queue.filter((item) => item.type === "button")) {
      this.memory.dequeue(item.id);
      this.tell("refused", { id: item.id });
    }
    this.memory.write({ token: null, seen: 0 });
    this.lastSeq = 0;
    this.tell("fresh");
  }

  lost() {
    this.socket = null;
    this.ready = false;
    this.inFlight = null;
    clearTimeout(this.ackTimer);
  }

  later() {
    if (!this.wanted) return;
    const step = BACK_OFF_S[Math.min(this.tries, BACK_OFF_S.length - 1)];
    // A random part keeps the shoppers of a restarted server from coming back all at once.
    const wait_s = step * (0.75 + Math.random() / 2);
    this.tries += 1;
    this.tell("state", { online: false, wait_s });
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.connect(), wait_s * 1000);
  }

  close() {
    const socket = this.socket;
    clearTimeout(this.retryTimer);
    this.lost();
    if (socket) socket.close();
  }

  take(frame) {
    if (frame.type === "ready") {
      this.tries = 0;
      this.ready = true;
      if (frame.token) this.memory.write({ token: frame.token });
      this.tell("state", { online: true, wait_s: 0 });
      this.pump();
    } else if (frame.type === "ack") {
      this.settle(frame.id);
      this.tell("sent", { id: frame.id, seq: frame.seq });
    } else if (frame.type === "error") {
      this.refused(frame);
    } else if (frame.type === "line") {
      this.lastSeq = Math.max(this.lastSeq, frame.seq);
    }
    this.tell("frame", frame);
  }

  refused(frame) {
    if (!frame.id) return;
    clearTimeout(this.ackTimer);
    if (frame.retry_after_s) {
      this.inFlight = null;
      this.ackTimer = setTimeout(() => this.pump(), frame.retry_after_s * 1000);
      this.tell("late", { id: frame.id });
    } else {
      this.settle(frame.id);
      this.tell("refused", { id: frame.id, text: frame.text });
    }
  }

  settle(id) {
    this.memory.dequeue(id);
    if (this.inFlight !== id) return;
    clearTimeout(this.ackTimer);
    this.inFlight = null;
    this.pump();
  }

  /** Keep a message until the server has it. `item`: {type: message|button, id, text or title, payload, sig}. */
  send(item) {
    this.memory.enqueue(item);
    if (this.socket || this.opening) this.pump();
    else this.connect();
  }

  /** Send the oldest message that is not acknowledged; the next follows its acknowledgement, so order is kept. */
  pump() {
    const item = this.memory.queue[0];
    if (!item || !this.ready || this.inFlight) return;
    this.inFlight = item.id;
    this.whisper(item);
    this.ackTimer = setTimeout(() => {
      this.inFlight = null;
      this.tell("late", { id: item.id });
      this.pump();
    }, ACK_S * 1000);
  }

  /** Send a frame that may get lost (typing, seen). */
  whisper(frame) {
    if (this.ready && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
