/* What outlives a reload: the session, messages not acknowledged yet, what was read, the language. */

/** Kept in localStorage; where that is forbidden, for as long as the page lives. */
export class Memory {
  constructor(server) {
    this.key = `shoptalk ${server}`;
    this.state = { token: null, queue: [], seen: 0, language: null, open: false };
    this.read();
  }

  read() {
    try {
      const stored = JSON.parse(localStorage.getItem(this.key) || "{}");
      if (stored && Array.isArray(stored.queue || [])) Object.assign(this.state, stored);
    } catch {
      // Storage is off or holds something foreign: start afresh.
    }
  }

  /** Another tab may have written since, so its changes are read first. */
  write(changes) {
    this.read();
    Object.assign(this.state, typeof changes === "function" ? changes(this.state) : changes);
    try {
      localStorage.setItem(this.key, JSON.stringify(this.state));
    } catch {
      // Full or forbidden: the page still works until it is closed.
    }
  }

  get(name) {
    return this.state[name];
  }

  /** Messages in the order in which they were written. */
  get queue() {
    return this.state.queue;
  }

  enqueue(item) {
    this.write(({ queue }) => ({ queue: [...queue, item] }));
  }

  dequeue(id) {
    this.write(({ queue }) => ({ queue: queue.filter((item) => item.id !== id) }));
  }
}

/** A random id of 32 hexadecimal digits; crypto.randomUUID exists only on https pages. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
