/* The middle: one conversation's lines in order of seq, and what is not stored yet at its end. */

import { drawLine } from "./line.js";
import { make } from "./node.js";

const TYPING_LASTS_MS = 6000;

export class Transcript {
  /** @param options {earlier(), retry()} */
  constructor(options) {
    this.options = options;
    this.entries = [];
    this.earlier = make("button", { type: "button", class: "quiet earlier", hidden: true, onclick: () => options.earlier() });
    this.typing = make("p", { class: "typing", hidden: true }, make("i"), make("i"), make("i"), make("span", { class: "hidden" }));
    this.element = make("div", { class: "log", role: "log", "aria-live": "polite", tabindex: "0" }, this.earlier, this.typing);
  }

  get lastSeq() {
    return this.entries.reduce((last, entry) => Math.max(last, entry.line.seq || 0), 0);
  }

  get firstSeq() {
    return this.entries.length && this.entries[0].line.seq ? this.entries[0].line.seq : 1;
  }

  get lines() {
    return this.entries.map((entry) => entry.line);
  }

  /** Begin with another conversation. */
  clear() {
    for (const entry of this.entries) entry.box.remove();
    this.entries = [];
    this.earlier.hidden = true;
    this.setTyping(false);
  }

  speak(context) {
    this.context = context;
    const { texts } = context;
    this.element.setAttribute("aria-label", texts.log);
    this.earlier.textContent = texts.earlier;
    this.typing.lastChild.textContent = texts.typing;
    for (const entry of this.entries) this.draw(entry);
  }

  /** Lines of the server, new ones or with a new state. */
  add(lines) {
    const atEnd = this.atEnd;
    const before = this.entries.length;
    for (const line of lines) this.place(line);
    this.earlier.hidden = this.firstSeq <= 1;
    this.note();
    if (lines.some((line) => line.who === "shopper")) this.setTyping(false);
    if (atEnd || !before) this.toEnd();
  }

  /** Older lines; what is being read stays where it is. */
  addOlder(lines) {
    const height = this.element.scrollHeight;
    for (const line of lines) this.place(line);
    this.earlier.hidden = !lines.length || this.firstSeq <= 1;
    this.element.scrollTop += this.element.scrollHeight - height;
  }

  place(line) {
    const known = this.entries.find((entry) => entry.line.seq === line.seq);
    if (known) {
      known.line = line;
      this.draw(known);
      return;
    }
    const own = line.who === "operator" && this.entries.find((entry) => !entry.line.seq && entry.line.text === line.text);
    if (own) this.remove(own);
    let index = this.entries.length;
    while (index > 0 && (this.entries[index - 1].line.seq || Infinity) > line.seq) index -= 1;
    this.insert({ line, box: make("div", { class: "entry" }) }, index);
  }

  insert(entry, index) {
    const next = this.entries[index];
    this.entries.splice(index, 0, entry);
    this.element.insertBefore(entry.box, next ? next.box : this.typing);
    this.draw(entry);
  }

  remove(entry) {
    entry.box.remove();
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  draw(entry) {
    entry.note = make("p", { class: "state" });
    entry.box.replaceChildren(drawLine(entry.line, this.context), entry.note);
    this.note();
  }

  // Our own words on their way: {id, text, state: sending | unsent, reason}

  addOwn(item) {
    const line = { who: "operator", mine: true, text: item.text, at: Date.now() / 1000, state: item.state };
    this.insert({ id: item.id, line, box: make("div", { class: "entry" }) }, this.entries.length);
    this.toEnd();
  }

  setOwn(item) {
    const entry = this.entries.find((one) => one.id === item.id);
    if (!entry) return;
    if (item.seq && this.entries.some((one) => one !== entry && one.line.seq === item.seq)) this.remove(entry);
    else Object.assign(entry.line, { state: item.state, reason: item.reason }, item.seq ? { seq: item.seq } : {});
    this.note();
  }

  /** States where they say something: trouble always, delivery below our last line. */
  note() {
    const { texts, language } = this.context;
    const last = this.lines.filter((line) => line.who === "operator").pop();
    for (const { line, note } of this.entries) {
      if (!note) continue;
      const trouble = { unsent: texts.unsent, failed: texts.failed, dead: texts.dead }[line.state];
      const calm = line === last ? { sending: texts.sending, due: texts.due, sent: texts.sent }[line.state] : "";
      const reason = line.reason ? ` ${line.reason[language]}` : "";
      const text = (trouble ? trouble + reason : calm) || "";
      if (note.dataset.text === text) continue;
      note.dataset.text = text;
      note.className = trouble ? "state bad" : "state";
      note.hidden = !text;
      note.replaceChildren(text);
      if (line.state === "unsent") note.append(" ", make("button", { type: "button", class: "quiet", onclick: () => this.options.retry() }, texts.retry));
    }
  }

  setTyping(on) {
    clearTimeout(this.typingTimer);
    const atEnd = this.atEnd;
    this.typing.hidden = !on;
    if (!on) return;
    this.typingTimer = setTimeout(() => this.setTyping(false), TYPING_LASTS_MS);
    if (atEnd) this.toEnd();
  }

  get atEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 90;
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }
}
