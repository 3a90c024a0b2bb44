/* The list of lines: in order of seq, our own unsent ones last, each exactly once. */

import { drawLine, timeOf } from "./line.js";
import { make } from "./node.js";

const TIME_GAP_S = 600;
const TYPING_LASTS_MS = 20000;
const SETTLE_MS = 400;

export class Log {
  /** @param options {server, press(button), retry()} */
  constructor(options) {
    this.options = options;
    this.entries = [];
    this.welcome = make("div", { class: "line bot welcome" });
    this.dots = make("div", { class: "typing", role: "img", hidden: true }, make("i"), make("i"), make("i"));
    this.element = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-busy": "true", tabindex: "0" }, this.welcome, this.dots);
  }

  get lastSeq() {
    return this.entries.reduce((last, entry) => Math.max(last, entry.seq || 0), 0);
  }

  countAfter(seq) {
    return this.entries.filter((entry) => entry.line.who !== "shopper" && entry.seq > seq).length;
  }

  /** Forget the conversation but for these unsent items. */
  clear(items) {
    for (const entry of this.entries) entry.box.remove();
    this.entries = [];
    for (const item of items) this.addOwn(item);
    this.showWelcome();
  }

  /** The history has come, so from now on new lines are read out. */
  settle() {
    setTimeout(() => this.element.setAttribute("aria-busy", "false"), SETTLE_MS);
  }

  // Language

  speak(texts, language, starters, say) {
    this.texts = texts;
    this.language = language;
    this.element.setAttribute("aria-label", texts.log);
    const press = ({ title }) => say(title);
    const buttons = starters.map((title) => ({ title, payload: title }));
    const context = { texts, server: this.options.server, press };
    this.welcome.replaceChildren(...drawLine({ who: "bot", text: texts.welcome, buttons }, context).childNodes);
    this.showWelcome();
    for (const entry of this.entries) this.draw(entry);
    this.setTyping({ on: false });
  }

  showWelcome() {
    this.welcome.hidden = this.entries.length > 0;
  }

  // Lines

  /** Our own message, before the server has it. */
  addOwn(item) {
    if (this.entries.some((entry) => entry.id === item.id)) return;
    this.place({ id: item.id, seq: null, state: "sending", line: { who: "shopper", text: item.text || item.title, at: Date.now() / 1000 } });
  }

  /** A line of the server; one that is known already only gets its place. */
  addLine(line) {
    if (this.entries.some((entry) => entry.seq === line.seq && entry.line.at === line.at)) return;
    const own = line.id && this.entries.find((entry) => entry.id === line.id);
    if (own) this.entries.splice(this.entries.indexOf(own), 1);
    if (own) own.box.remove();
    if (line.who !== "shopper") this.setTyping({ on: false });
    this.place({ id: line.id || null, seq: line.seq, state: line.who === "shopper" ? "sent" : "", line }, { fresh: !own });
  }

  place(entry, { fresh = true } = {}) {
    const atEnd = this.atEnd;
    const order = entry.seq || Infinity;
    let index = this.entries.length;
    while (index > 0 && (this.entries[index - 1].seq || Infinity) > order) index -= 1;
    entry.box = make("div", { class: "entry" });
    const next = this.entries[index];
    this.entries.splice(index, 0, entry);
    this.element.insertBefore(entry.box, next ? next.box : this.dots);
    this.draw(entry);
    if (fresh) entry.box.classList.add("new");
    this.showWelcome();
    this.tidy();
    if (atEnd) this.toEnd();
  }

  draw(entry) {
    const context = { texts: this.texts, server: this.options.server, press: this.options.press };
    entry.time = make("p", { class: "time" }, timeOf(entry.line.at, this.language));
    entry.note = make("p", { class: "state" });
    entry.box.replaceChildren(entry.time, drawLine(entry.line, context), entry.note);
    this.tidy();
  }

  /** `state`: sending, sent, failed (will be tried again), refused (will not). `text`: {en, zh} why. */
  setState(id, state, seq = 0, text = null) {
    const entry = this.entries.find((one) => one.id === id);
    if (!entry || (entry.state === "sent" && state !== "sent")) return;
    entry.state = state;
    entry.reason = text;
    if (seq && !entry.seq) entry.sentSeq = seq;
    this.tidy();
  }

  /** Times only after a pause, states only where they say something, quick answers only below the last line. */
  tidy() {
    let before = 0;
    const lastOwn = this.entries.filter((entry) => entry.line.who === "shopper").pop();
    const lastIndex = lastOwn ? this.entries.indexOf(lastOwn) : -1;
    this.entries.forEach((entry, index) => {
      if (!entry.note) return;
      entry.time.hidden = entry.line.at - before < TIME_GAP_S;
      before = entry.line.at;
      this.note(entry, entry === lastOwn);
      const quick = entry.box.querySelector(".buttons");
      if (quick) quick.hidden = index < lastIndex;
    });
  }

  note(entry, last) {
    const { texts } = this;
    const words = { sending: texts.sending, sent: last ? texts.sent : "", failed: texts.failed, refused: texts.refused };
    const reason = entry.reason ? ` ${entry.reason[this.language]}` : "";
    const text = (words[entry.state] || "") + reason;
    const key = `${text}|${this.language}`;
    if (entry.noted === key && entry.note.childNodes.length) return;
    entry.noted = key;
    const retry = entry.state === "failed" ? make("button", { type: "button", onclick: this.options.retry }, texts.retry) : null;
    entry.note.className = entry.state === "failed" || entry.state === "refused" ? "state bad" : "state";
    entry.note.hidden = !text;
    entry.note.replaceChildren(text, ...(retry ? [retry] : []));
  }

  // Typing and scrolling

  setTyping({ on, who = "bot", author = "" }) {
    const atEnd = this.atEnd;
    clearTimeout(this.typingTimer);
    this.dots.hidden = !on;
    const name = who === "operator" ? author || this.texts.colleague : this.texts.bot;
    this.dots.setAttribute("aria-label", this.texts.typing(name));
    if (!on) return;
    this.typingTimer = setTimeout(() => this.setTyping({ on: false }), who === "operator" ? 6000 : TYPING_LASTS_MS);
    if (atEnd) this.toEnd();
  }

  get atEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 80;
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }
}
