/* Where an operator writes. Drafts are kept for each conversation; what is sent goes out one after the other. */

import { change, newId } from "./api.js";
import { icon, make } from "./node.js";

const LIMIT_CHARS = 4000;
const TYPING_EVERY_MS = 2500;
const PAUSE_MS = 4000;

export class Composer {
  /** @param options {transcript, failed(refused)} */
  constructor(options) {
    this.options = options;
    this.conversation = null;
    this.drafts = new Map();
    this.waiting = [];
    this.busy = false;
    this.input = make("textarea", { rows: 1, id: "answer", autocomplete: "off" });
    this.button = make("button", { type: "submit", class: "send", disabled: true }, icon("send"));
    this.hint = make("p", { class: "hint soft", id: "hint" });
    this.input.setAttribute("aria-describedby", "hint");
    this.element = make("form", { class: "composer", novalidate: true, hidden: true }, make("div", { class: "field" }, this.input, this.button), this.hint);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("input", () => this.edited());
  }

  speak(texts) {
    this.texts = texts;
    this.input.placeholder = texts.placeholder;
    this.input.setAttribute("aria-label", texts.answer);
    this.button.setAttribute("aria-label", texts.send);
    this.edited({ silent: true });
  }

  /** Write to this conversation from now on; null: to none. */
  open(conversation, { mine }) {
    const changed = conversation !== this.conversation;
    if (changed) {
      if (this.conversation) this.drafts.set(this.conversation, this.input.value);
      this.conversation = conversation;
      this.input.value = this.drafts.get(conversation) || "";
    }
    const appeared = this.element.hidden && mine;
    this.element.hidden = !mine;
    this.edited({ silent: true });
    if (mine && (changed || appeared)) this.input.focus();
    if (changed) for (const item of this.waiting.filter((item) => item.conversation === conversation)) this.options.transcript.addOwn(item);
  }

  key(event) {
    // While an input method is composing (Pinyin), Enter chooses a word; 229 is what older browsers report then.
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.submit();
  }

  edited({ silent = false } = {}) {
    const length = this.input.value.trim().length;
    const over = length > LIMIT_CHARS;
    this.button.disabled = !length || over;
    this.hint.textContent = over ? this.texts.tooLong(length) : this.texts.composeHint;
    this.hint.classList.toggle("bad", over);
    this.input.style.height = "";
    this.input.style.height = `${Math.min(this.input.scrollHeight || 40, 180)}px`;
    if (!silent) this.tellTyping(length > 0);
  }

  tellTyping(on) {
    clearTimeout(this.typingTimer);
    const conversation = this.conversation;
    const now = Date.now();
    if (on && now - (this.typedAt || 0) >= TYPING_EVERY_MS) {
      this.typedAt = now;
      change("typing", { conversation, on: true }).catch(() => {}); // only a courtesy: losing it harms nothing
    }
    if (on) this.typingTimer = setTimeout(() => this.tellTyping(false), PAUSE_MS);
    else if (this.typedAt) {
      this.typedAt = 0;
      change("typing", { conversation, on: false }).catch(() => {});
    }
  }

  submit() {
    const text = this.input.value.trim();
    if (!text || text.length > LIMIT_CHARS || !this.conversation) return;
    this.input.value = "";
    clearTimeout(this.typingTimer);
    this.typedAt = 0;
    this.edited({ silent: true });
    const item = { id: newId(), conversation: this.conversation, text, state: "sending" };
    this.waiting.push(item);
    this.options.transcript.addOwn(item);
    this.pump();
  }

  /** Send the oldest; the next follows its answer, so order is kept. The id makes trying again harmless. */
  async pump() {
    if (this.busy || !this.waiting.length) return;
    const item = this.waiting[0];
    this.busy = true;
    this.tell(item, { state: "sending", reason: null });
    try {
      const { seq } = await change("say", { conversation: item.conversation, id: item.id, text: item.text });
      this.waiting.shift();
      this.tell(item, { state: "due", seq });
      this.busy = false;
      this.pump();
    } catch (refused) {
      this.busy = false;
      this.refused(item, refused);
    }
  }

  refused(item, refused) {
    const { status, text } = refused;
    const later = status === 0 || status === 429 || status >= 500;
    this.tell(item, { state: "unsent", reason: text });
    if (later) return;
    // It will not be taken at a second try either; the words go back to where they can be saved.
    this.waiting.shift();
    this.options.failed(refused);
    if (item.conversation === this.conversation && !this.input.value) this.input.value = item.text;
    this.edited({ silent: true });
    this.pump();
  }

  tell(item, changes) {
    Object.assign(item, changes);
    if (item.conversation === this.conversation) this.options.transcript.setOwn(item);
  }
}
