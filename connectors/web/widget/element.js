/* <shoptalk-widget>: launcher and panel. Draws; what it draws lies in log.js, line.js, and comes by connection.js. */

import { Connection } from "./connection.js";
import { Log } from "./log.js";
import { Memory, newId } from "./memory.js";
import { icon, make } from "./node.js";
import { sheet } from "./style.js";
import { languageOf, textsOf } from "./text.js";

const LIMIT_CHARS = 4000;
const TYPING_EVERY_MS = 2500;

class ShoptalkWidget extends HTMLElement {
  static observedAttributes = ["lang"];

  connectedCallback() {
    if (this.shadowRoot) return;
    this.server = this.dataset.server || location.origin;
    this.memory = new Memory(this.server);
    this.connection = new Connection(this.server, this.memory);
    this.language = this.memory.get("language") || languageOf(this.lang || this.dataset.lang);
    this.status = "bot";
    this.operator = "";
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    this.build();
    this.listen();
    this.speak();
    for (const item of this.memory.queue) this.log.addOwn(item);
    if (this.memory.get("token") || this.memory.queue.length) this.connection.connect();
    if (this.memory.get("open") && !this.phone) this.open({ focus: false });
    this.tellLanguage();
  }

  attributeChangedCallback(name, before, after) {
    if (this.shadowRoot && after) this.setLanguage(languageOf(after));
  }

  get phone() {
    return matchMedia("(max-width: 480px)").matches;
  }

  build() {
    this.badge = make("span", { class: "badge", hidden: true });
    this.launcher = make("button", { class: "launcher", type: "button", "aria-expanded": "false", onclick: () => this.toggle() }, icon("chat"), icon("close"), this.badge);
    this.heading = make("h2", { id: "heading" });
    this.who = make("p", { class: "who" });
    this.languageButton = make("button", { type: "button", onclick: () => this.setLanguage(this.language === "en" ? "zh" : "en") });
    this.closeButton = make("button", { type: "button", class: "close", onclick: () => this.close() }, icon("close"));
    this.bannerText = make("span");
    this.bannerButton = make("button", { type: "button", hidden: true, onclick: () => this.connection.connect() });
    this.banner = make("p", { class: "banner", role: "status", hidden: true }, this.bannerText, this.bannerButton);
    this.log = new Log({ server: this.server, press: (button) => this.press(button), retry: () => this.retry() });
    this.input = make("textarea", { rows: 1, id: "input", enterkeyhint: "send", autocomplete: "off" });
    this.sendButton = make("button", { class: "send", type: "submit", disabled: true }, icon("send"));
    this.form = make("form", { novalidate: true }, this.input, this.sendButton);
    this.foot = make("p", { class: "foot" });
    const top = make("div", { class: "top" }, make("div", { class: "mark" }, icon("bag")), make("div", { class: "heading" }, this.heading, this.who), this.languageButton, this.closeButton);
    this.panel = make("section", { class: "panel", id: "panel", role: "dialog", "aria-labelledby": "heading", hidden: true }, top, this.banner, this.log.element, this.form, this.foot);
    this.launcher.setAttribute("aria-controls", "panel");
    this.shadowRoot.append(this.panel, this.launcher);
  }

  listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("input", () => this.edited());
    this.panel.addEventListener("keydown", (event) => this.panelKey(event));
    document.addEventListener("visibilitychange", () => this.markSeen());
    const on = (type, action) => this.connection.addEventListener(type, (event) => action(event.detail));
    on("frame", (frame) => this.take(frame));
    on("state", (state) => this.setOnline(state));
    on("sent", ({ id, seq }) => this.log.setState(id, "sent", seq));
    on("late", ({ id }) => this.log.setState(id, "failed"));
    on("refused", ({ id, text }) => this.log.setState(id, "refused", 0, text));
    on("fresh", () => this.log.clear(this.memory.queue));
  }

  // Words

  setLanguage(language) {
    if (language === this.language) return;
    this.language = language;
    this.memory.write({ language });
    this.speak();
    this.tellLanguage();
  }

  /** The page may follow: `document.addEventListener("shoptalk-language", ...)`. */
  tellLanguage() {
    this.dispatchEvent(new CustomEvent("shoptalk-language", { detail: this.language, bubbles: true }));
  }

  /** Write every word of the interface in the present language. */
  speak() {
    const texts = textsOf(this.language);
    this.texts = texts;
    this.connection.language = this.language;
    this.panel.lang = this.language === "zh" ? "zh-CN" : "en";
    // A page that hides the other language's elements must see the widget as one of the present language.
    if (this.lang !== this.panel.lang) this.lang = this.panel.lang;
    this.heading.textContent = (this.language === "zh" && this.dataset.titleZh) || this.dataset.title || texts.title;
    this.languageButton.textContent = texts.languageShort;
    this.languageButton.lang = this.language === "zh" ? "en" : "zh-CN";
    this.languageButton.setAttribute("aria-label", `${texts.languageShort} · ${texts.language}`);
    this.closeButton.setAttribute("aria-label", texts.close);
    this.input.placeholder = texts.placeholder;
    this.input.setAttribute("aria-label", texts.message);
    this.sendButton.setAttribute("aria-label", texts.send);
    this.bannerButton.textContent = texts.now;
    const starters = (this.language === "zh" ? this.dataset.startersZh : this.dataset.starters) || "";
    this.log.speak(texts, this.language, starters.split("|").map((text) => text.trim()).filter(Boolean), (text) => this.say(text));
    this.showStatus();
    this.showUnread();
    this.edited({ silent: true });
  }

  // Opening and closing

  toggle() {
    if (this.panel.hidden) this.open();
    else this.close();
  }

  open({ focus = true } = {}) {
    this.panel.hidden = false;
    this.launcher.setAttribute("aria-expanded", "true");
    this.panel.setAttribute("aria-modal", String(this.phone));
    this.memory.write({ open: true });
    this.connection.connect();
    this.log.toEnd();
    this.markSeen();
    this.showUnread();
    if (focus) this.input.focus();
  }

  close() {
    this.panel.hidden = true;
    this.launcher.setAttribute("aria-expanded", "false");
    this.memory.write({ open: false });
    this.showUnread();
    this.launcher.focus();
  }

  /** Escape closes; Tab stays inside. */
  panelKey(event) {
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      this.close();
    }
    if (event.key !== "Tab") return;
    const stops = [...this.panel.querySelectorAll("button, textarea, a[href], [tabindex='0']")].filter(
      (element) => !element.disabled && element.offsetParent !== null,
    );
    const [first, last] = [stops[0], stops[stops.length - 1]];
    const here = this.shadowRoot.activeElement;
    if (event.shiftKey ? here === first : here === last) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }

  // Writing

  key(event) {
    // While an input method is composing (Pinyin), Enter chooses a word; 229 is what older browsers report then.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.submit();
  }

  edited({ silent = false } = {}) {
    const length = this.input.value.trim().length;
    const over = length > LIMIT_CHARS;
    this.sendButton.disabled = !length || over;
    this.foot.textContent = over ? this.texts.tooLong(length, LIMIT_CHARS) : this.texts.safety;
    this.foot.classList.toggle("bad", over);
    this.input.style.height = "";
    this.input.style.height = `${Math.min(this.input.scrollHeight || 36, 132)}px`;
    const now = Date.now();
    if (silent || !length || now - (this.typedAt || 0) < TYPING_EVERY_MS) return;
    this.typedAt = now;
    this.connection.whisper({ type: "typing", on: true });
  }

  submit() {
    const text = this.input.value.trim();
    if (!text || text.length > LIMIT_CHARS) return;
    this.input.value = "";
    this.edited({ silent: true });
    this.typedAt = 0;
    this.say(text);
  }

  say(text) {
    this.sendItem({ type: "message", id: newId(), text });
  }

  press({ title, payload, sig }) {
    this.sendItem({ type: "button", id: newId(), title, payload, sig });
    this.input.focus({ preventScroll: true });
  }

  sendItem(item) {
    this.log.addOwn(item);
    this.log.toEnd();
    this.connection.send(item);
  }

  retry() {
    for (const item of this.memory.queue) this.log.setState(item.id, "sending");
    if (this.connection.ready) this.connection.pump();
    else this.connection.connect();
  }

  // Hearing

  take(frame) {
    if (frame.type === "line") this.takeLine(frame);
    else if (frame.type === "typing") this.log.setTyping(frame);
    else if (frame.type === "ready" || frame.type === "status") {
      if (frame.status !== "human") this.operator = "";
      this.status = frame.status;
      this.showStatus();
      this.log.settle();
    }
  }

  takeLine(line) {
    if (line.author && line.who !== "bot") {
      this.operator = line.author;
      this.showStatus();
    }
    this.log.addLine(line);
    this.markSeen();
    this.showUnread();
  }

  showStatus() {
    const { texts, status } = this;
    this.who.textContent = { queued: texts.queued, human: texts.human(this.operator) }[status] || texts.assistant;
    this.showBanner();
  }

  setOnline({ online, wait_s: waitS }) {
    this.offline = online ? null : Math.ceil(waitS);
    if (!online) for (const item of this.memory.queue) this.log.setState(item.id, "failed");
    else for (const item of this.memory.queue) this.log.setState(item.id, "sending");
    this.showBanner();
  }

  showBanner() {
    const { texts } = this;
    const away = this.offline ? (this.offline > 2 ? texts.offlineIn(this.offline) : texts.offline) : "";
    const text = away || (this.status === "queued" ? texts.queuedBanner : "");
    this.banner.hidden = !text;
    this.bannerText.textContent = text;
    this.bannerButton.hidden = !away;
  }

  markSeen() {
    const last = this.log.lastSeq;
    if (this.panel.hidden || document.hidden || last <= this.memory.get("seen")) return;
    this.memory.write({ seen: last });
    clearTimeout(this.seenTimer);
    this.seenTimer = setTimeout(() => this.connection.whisper({ type: "seen", seq: this.log.lastSeq }), 200);
  }

  showUnread() {
    const count = this.panel.hidden ? this.log.countAfter(this.memory.get("seen")) : 0;
    this.badge.hidden = !count;
    this.badge.textContent = count > 9 ? "9+" : String(count || "");
    const { texts } = this;
    this.launcher.setAttribute("aria-label", this.panel.hidden ? (count ? texts.unread(count) : texts.open) : texts.close);
  }
}

if (!customElements.get("shoptalk-widget")) customElements.define("shoptalk-widget", ShoptalkWidget);
