/* The desk's page: puts queue, transcript, composer and facts together. */

import { change, read, whoAmI } from "./api.js";
import { Composer } from "./composer.js";
import { ask } from "./dialog.js";
import { drawFacts } from "./facts.js";
import { Live } from "./live.js";
import { icon, make } from "./node.js";
import { Queue } from "./queue.js";
import { Sound } from "./sound.js";
import { shortId, storedLanguage, storeLanguage, textsOf } from "./text.js";
import { Transcript } from "./transcript.js";

const LOGIN = "/desk/login";
const NOTE_MS = 5000;
const LOOK_MS = 60000;

/** The conversation that the address names; null for none. */
function wantedId() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null; // somebody's hand in the address bar
  }
}

class Desk {
  constructor(me) {
    this.me = me;
    this.language = storedLanguage();
    this.current = null;
    this.conversation = null;
    this.sound = new Sound();
    this.live = new Live();
    this.queue = new Queue({ me, open: (id) => this.open(id), arrived: (row) => this.arrived(row) });
    this.transcript = new Transcript({ earlier: () => this.loadEarlier(), retry: () => this.composer.pump() });
    this.composer = new Composer({ transcript: this.transcript, failed: (refused) => this.say(refused.text[this.language], true) });
    this.build();
    this.listen();
    this.speak();
    this.live.connect();
    if (wantedId()) this.open(wantedId());
  }

  build() {
    const button = (properties, ...children) => make("button", { type: "button", ...properties }, ...children);
    this.presence = button({ class: "presence", role: "switch", onclick: () => this.togglePresence() }, make("span", { class: "knob" }), make("span"));
    this.closedNote = make("p", { class: "closed", hidden: true });
    this.muteButton = button({ class: "square", onclick: () => this.toggleSound() });
    this.languageButton = button({ class: "square", onclick: () => this.setLanguage(this.language === "en" ? "zh" : "en") });
    this.logoutButton = button({ class: "square", onclick: () => this.logOut() }, icon("out"));
    this.title = make("h1", {});
    const person = make("span", { class: "person" }, this.me.display_name);
    const top = make("header", { class: "top" }, make("span", { class: "mark" }, icon("desk")), this.title, this.closedNote, make("span", { class: "space" }), this.presence, person, this.muteButton, this.languageButton, this.logoutButton);
    this.bannerText = make("span");
    this.bannerButton = button({ class: "quiet", onclick: () => this.live.connect() });
    this.banner = make("div", { class: "banner", role: "status", hidden: true }, this.bannerText, this.bannerButton);
    this.toast = make("div", { class: "toast", role: "status" });
    document.body.append(top, this.banner, make("div", { class: "panes" }, this.queue.element, this.buildMiddle(button), this.buildFacts()), this.toast);
  }

  buildMiddle(button) {
    this.backButton = button({ class: "square back", onclick: () => this.open(null) }, icon("back"));
    this.factsButton = button({ class: "square facts-button", "aria-expanded": "false", "aria-controls": "facts", onclick: () => this.toggleFacts() }, icon("facts"));
    this.who = make("h2", {});
    this.how = make("p", { class: "soft" });
    this.claimButton = button({ class: "primary", "aria-keyshortcuts": "Alt+C", onclick: () => this.claim() });
    this.handBackButton = button({ "aria-keyshortcuts": "Alt+B", onclick: () => this.handBack() });
    this.resolveButton = button({ "aria-keyshortcuts": "Alt+R", onclick: () => this.resolve() });
    const heading = make("div", { class: "heading" }, this.who, this.how);
    const actions = make("div", { class: "actions" }, this.claimButton, this.handBackButton, this.resolveButton, this.factsButton);
    this.hint = make("p", { class: "invitation" });
    this.view = make("div", { class: "view", hidden: true }, make("div", { class: "view-top" }, this.backButton, heading, actions), this.transcript.element, this.hint, this.composer.element);
    this.welcome = make("div", { class: "welcome" });
    this.main = make("main", {}, this.view, this.welcome);
    return this.main;
  }

  buildFacts() {
    this.facts = make("aside", { class: "facts", id: "facts", tabindex: "0" });
    return this.facts;
  }

  listen() {
    this.live.addEventListener("frame", (event) => this.take(event.detail));
    this.live.addEventListener("online", () => this.setOnline(true));
    this.live.addEventListener("offline", () => this.setOnline(false));
    this.live.addEventListener("ended", () => location.assign(LOGIN));
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.open(wantedId()));
    setInterval(() => this.look(), LOOK_MS);
  }

  // Words

  setLanguage(language) {
    this.language = language;
    this.speak();
  }

  /** Write every word of the page in the present language. */
  speak() {
    const texts = textsOf(this.language);
    this.texts = texts;
    storeLanguage(this.language);
    this.title.textContent = texts.title;
    this.languageButton.textContent = texts.language;
    this.languageButton.lang = this.language === "zh" ? "en" : "zh-CN";
    this.languageButton.setAttribute("aria-label", texts.languageLabel);
    for (const [button, text] of [[this.logoutButton, texts.logout], [this.backButton, texts.back], [this.factsButton, texts.facts]]) {
      button.setAttribute("aria-label", text);
      button.title = text;
    }
    this.bannerText.textContent = texts.offline;
    this.bannerButton.textContent = texts.now;
    this.closedNote.textContent = texts.closed;
    this.facts.setAttribute("aria-label", texts.facts);
    this.queue.speak(texts);
    this.composer.speak(texts);
    this.transcript.speak({ texts, language: this.language, me: this.me });
    this.drawWelcome();
    this.drawSound();
    this.drawPresence();
    this.drawConversation();
    this.drawTitle();
  }

  drawWelcome() {
    const { texts } = this;
    const keys = [
      [["Alt", "↓"], ["Alt", "↑"], texts.keyNext],
      [["Alt", "C"], texts.keyClaim],
      [["Alt", "B"], texts.keyHandBack],
      [["Alt", "R"], texts.keyResolve],
      [["Enter"], texts.keySend],
      [["Shift", "Enter"], texts.keyLine],
    ];
    const rows = keys.map((row) => {
      const chords = row.slice(0, -1).flatMap((chord, index) => [index ? " " : "", ...chord.flatMap((name, part) => [part ? "+" : "", make("kbd", {}, name)])]);
      return make("div", {}, make("dt", {}, ...chords), make("dd", {}, row[row.length - 1]));
    });
    this.welcome.replaceChildren(icon("cup"), make("h2", {}, texts.welcome(this.me.display_name)), make("p", { class: "soft" }, texts.welcomeText), make("h3", {}, texts.shortcuts), make("dl", { class: "keys" }, ...rows));
  }

  drawTitle() {
    const count = this.queue.waiting.length + this.queue.unread.length;
    document.title = `${count ? `(${count}) ` : ""}${this.texts.title}`;
  }

  /** A short message at the edge. */
  say(text, bad = false) {
    clearTimeout(this.toastTimer);
    this.toast.className = bad ? "toast shown bad" : "toast shown";
    this.toast.textContent = text;
    this.toastTimer = setTimeout(() => this.toast.classList.remove("shown"), NOTE_MS);
  }

  // Presence, sound, log out

  drawPresence() {
    const there = this.me.state === "online";
    this.presence.setAttribute("aria-checked", String(there));
    this.presence.setAttribute("aria-label", this.texts.presence);
    this.presence.lastChild.textContent = there ? this.texts.available : this.texts.away;
    this.closedNote.hidden = this.me.availability !== "closed";
  }

  async togglePresence() {
    const state = this.me.state === "online" ? "away" : "online";
    await this.attempt(async () => Object.assign(this.me, await change("presence", { state })));
    this.drawPresence();
  }

  drawSound() {
    const label = this.sound.muted ? this.texts.unmute : this.texts.mute;
    this.muteButton.replaceChildren(icon(this.sound.muted ? "mute" : "loud"));
    this.muteButton.setAttribute("aria-label", label);
    this.muteButton.title = label;
  }

  toggleSound() {
    this.sound.mute(!this.sound.muted);
    this.drawSound();
  }

  async logOut() {
    await this.attempt(async () => {
      await change("logout");
      location.assign(LOGIN);
    });
  }

  async look() {
    await this.attempt(async () => Object.assign(this.me, await whoAmI()), { quietly: true });
    this.drawPresence();
  }

  // News

  setOnline(online) {
    this.banner.hidden = online;
    if (online) {
      if (this.current) this.live.open(this.current, this.transcript.lastSeq);
      this.composer.pump();
    } else this.look(); // a session that has ended shows only so: the socket can't tell
  }

  take(frame) {
    if (frame.type === "queue") {
      this.queue.take(frame.conversations);
      this.drawTitle();
    } else if (frame.type === "presence") {
      this.me.state = frame.state;
      this.drawPresence();
    } else if (frame.type === "conversation" && frame.id === this.current) {
      this.conversation = frame;
      this.drawConversation();
    } else if (frame.type === "lines" && frame.conversation === this.current) {
      this.transcript.add(frame.lines);
      this.drawFactsPane();
    } else if (frame.type === "typing" && frame.conversation === this.current) this.transcript.setTyping(frame.on);
  }

  arrived(row) {
    this.sound.play();
    this.say(this.texts.newWaiting(this.texts.shopper(shortId(row.sender))));
  }

  // One conversation

  open(id) {
    if (id === this.current) return;
    this.current = id;
    this.conversation = null;
    this.transcript.clear();
    this.facts.replaceChildren();
    this.queue.select(id);
    this.drawTitle();
    history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : location.pathname);
    if (id) this.live.open(id, 0);
    else this.live.close();
    this.drawConversation();
  }

  get mine() {
    return Boolean(this.conversation) && this.conversation.status === "human" && this.conversation.operator === this.me.name;
  }

  get foreign() {
    return Boolean(this.conversation) && this.conversation.status === "human" && !this.mine;
  }

  drawConversation() {
    const { texts, conversation, mine } = this;
    this.view.hidden = !this.current;
    this.welcome.hidden = Boolean(this.current);
    document.body.classList.toggle("reading", Boolean(this.current));
    this.composer.open(this.current, { mine });
    this.hint.hidden = true;
    for (const button of [this.claimButton, this.handBackButton, this.resolveButton]) button.hidden = true;
    this.who.textContent = conversation ? texts.shopper(shortId(conversation.sender)) : "…";
    this.how.textContent = "";
    if (!conversation) return;
    const { status } = conversation;
    const chief = this.foreign && this.me.role === "admin";
    this.how.textContent = `${this.queue.statusOf(conversation)} · ${conversation.channel}`;
    this.claimButton.hidden = status === "human";
    this.claimButton.textContent = status === "resolved" ? texts.claimAgain : texts.claim;
    this.handBackButton.hidden = !mine && !chief;
    this.handBackButton.textContent = texts.handBack;
    this.resolveButton.hidden = !mine && !chief && status !== "queued";
    this.resolveButton.textContent = texts.resolve;
    for (const button of [this.claimButton, this.handBackButton, this.resolveButton]) button.title = `${button.textContent} (${button.getAttribute("aria-keyshortcuts")})`;
    this.hint.hidden = mine;
    this.hint.textContent = { queued: texts.claimHint, bot: texts.botHint, resolved: texts.resolvedHint, human: texts.otherHint(conversation.operator_name) }[status];
    this.drawFactsPane();
  }

  drawFactsPane() {
    const { conversation, texts, language } = this;
    if (!conversation) return;
    const status = this.queue.statusOf(conversation);
    this.facts.replaceChildren(...drawFacts({ conversation, lines: this.transcript.lines, texts, language, status }));
  }

  toggleFacts() {
    const shown = document.body.classList.toggle("with-facts");
    this.factsButton.setAttribute("aria-expanded", String(shown));
  }

  async loadEarlier() {
    const id = this.current;
    await this.attempt(async () => {
      const { lines } = await read("transcript", { id, before: this.transcript.firstSeq });
      if (id === this.current) this.transcript.addOlder(lines);
    });
  }

  // Doing

  async claim() {
    if (this.claimButton.hidden) return;
    await this.act("claim"); // the transcript says the rest
    if (this.mine) this.queue.choose("mine");
  }

  async handBack() {
    if (this.handBackButton.hidden || !(await this.free(this.texts.handBack))) return;
    await this.act("hand-back", this.texts.handedBack);
  }

  async resolve() {
    if (this.resolveButton.hidden || !(await this.free(this.texts.resolve))) return;
    const { texts } = this;
    if (!this.foreign && !(await ask({ title: texts.resolveTitle, text: texts.resolveText, yes: texts.resolve, no: texts.cancel }))) return;
    await this.act("resolve", texts.resolved);
  }

  /** An admin is asked before a colleague's conversation is ended. */
  async free(yes) {
    if (!this.foreign) return true;
    const { texts } = this;
    return ask({ title: texts.freeTitle(this.conversation.operator_name), text: texts.freeText, yes, no: texts.cancel });
  }

  async act(path, done = "") {
    const id = this.current;
    await this.attempt(async () => {
      const conversation = await change(path, { conversation: id });
      if (done) this.say(done);
      if (id !== this.current) return;
      this.conversation = conversation;
      this.drawConversation();
    });
  }

  /** Do something that the server may refuse; it then says why. */
  async attempt(action, { quietly = false } = {}) {
    try {
      await action();
    } catch (error) {
      if (error.status === 401) location.assign(LOGIN);
      if (error.text === undefined) throw error;
      if (!quietly) this.say(error.text[this.language], true);
    }
  }

  key(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const actions = {
      KeyC: () => this.claim(),
      KeyB: () => this.handBack(),
      KeyR: () => this.resolve(),
      ArrowDown: () => this.open(this.queue.neighbour(1) || this.current),
      ArrowUp: () => this.open(this.queue.neighbour(-1) || this.current),
    };
    const action = actions[event.code];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

whoAmI().then(
  (me) => new Desk(me),
  () => location.assign(LOGIN),
);
