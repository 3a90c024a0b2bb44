/* The left: who waits, whom I talk to, and the rest. */

import { make } from "./node.js";
import { ageOf, shortId } from "./text.js";

const FILTERS = ["waiting", "mine", "all"];
const PATIENT_S = 60;
const LATE_S = 300;

export class Queue {
  /** @param options {me, open(id), arrived(row)} */
  constructor(options) {
    this.options = options;
    this.rows = [];
    this.filter = "waiting";
    this.current = null;
    this.seen = new Map();
    this.known = null;
    this.tabs = FILTERS.map((name) => make("button", { type: "button", onclick: () => this.choose(name) }));
    this.bar = make("div", { class: "filters", role: "group" }, ...this.tabs);
    this.list = make("ul", { class: "rows" });
    this.empty = make("p", { class: "empty soft" });
    this.heading = make("h2", { class: "hidden" });
    this.element = make("nav", { class: "queue" }, this.heading, this.bar, this.list, this.empty);
    setInterval(() => this.draw(), 10000);
  }

  speak(texts) {
    this.texts = texts;
    this.heading.textContent = texts.conversations;
    this.element.setAttribute("aria-label", texts.conversations);
    this.bar.setAttribute("aria-label", texts.filters);
    this.draw();
  }

  choose(filter) {
    this.filter = filter;
    this.draw();
  }

  get waiting() {
    return this.rows.filter((row) => row.status === "queued");
  }

  get mine() {
    return this.rows.filter((row) => row.status === "human" && row.operator === this.options.me.name);
  }

  /** My conversations with something new in them. */
  get unread() {
    return this.mine.filter((row) => this.isUnread(row));
  }

  get shown() {
    return { waiting: this.waiting, mine: this.mine, all: this.rows }[this.filter];
  }

  row(id) {
    return this.rows.find((row) => row.id === id);
  }

  take(rows) {
    this.rows = rows;
    const waits = new Set(this.waiting.map((row) => `${row.id} ${row.queued_at}`));
    const fresh = this.known ? this.waiting.filter((row) => !this.known.has(`${row.id} ${row.queued_at}`)) : [];
    this.known = waits;
    for (const row of rows) if (!this.seen.has(row.id) || row.id === this.current) this.seen.set(row.id, row.last_seq);
    this.draw();
    for (const row of fresh) this.options.arrived(row);
  }

  select(id) {
    this.current = id;
    const row = this.row(id);
    if (row) this.seen.set(id, row.last_seq);
    this.draw();
  }

  /** The conversation above (-1) or below (+1) the open one. */
  neighbour(step) {
    const ids = this.shown.map((row) => row.id);
    if (!ids.length) return null;
    const index = ids.indexOf(this.current);
    return ids[index < 0 ? 0 : (index + step + ids.length) % ids.length];
  }

  isUnread(row) {
    return row.last_seq > (this.seen.get(row.id) || 0) && row.id !== this.current;
  }

  draw() {
    if (!this.texts) return;
    const { texts } = this;
    const counts = { waiting: this.waiting.length, mine: this.mine.length };
    this.tabs.forEach((tab, index) => {
      const name = FILTERS[index];
      tab.setAttribute("aria-pressed", String(name === this.filter));
      const unread = name === "mine" && this.unread.length > 0;
      const count = counts[name] ? make("span", { class: name === "waiting" || unread ? "count hot" : "count" }, String(counts[name])) : null;
      tab.replaceChildren(texts[name], ...(count ? [" ", count] : []));
    });
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    const shown = this.shown;
    this.list.replaceChildren(...shown.map((row) => this.drawRow(row)));
    this.list.hidden = !shown.length;
    this.empty.hidden = shown.length > 0;
    this.empty.textContent = { waiting: texts.noneWaiting, mine: texts.noneMine, all: texts.noneAll }[this.filter];
    if (focused) [...this.list.querySelectorAll("button")].find((button) => button.dataset.id === focused)?.focus();
  }

  drawRow(row) {
    const { texts } = this;
    const waits = row.status === "queued";
    const since = waits ? row.queued_at : row.updated_at;
    const age_s = Date.now() / 1000 - since;
    const heat = !waits ? "" : age_s > LATE_S ? " late" : age_s > PATIENT_S ? " warm" : "";
    const unread = this.isUnread(row) && (row.status === "queued" || row.operator === this.options.me.name);
    const age = make("span", { class: `age${heat}` }, ageOf(since, texts));
    const name = make("span", { class: "name" }, texts.shopper(shortId(row.sender)));
    const dot = unread ? make("span", { class: "dot" }, make("span", { class: "hidden" }, texts.unread)) : null;
    const chips = make(
      "span",
      { class: "chips" },
      make("span", { class: `chip ${row.status}` }, this.statusOf(row)),
      make("span", { class: "soft" }, `${row.channel} · ${row.language === "zh" ? "中文" : "EN"}`),
    );
    const button = make(
      "button",
      { type: "button", class: "row", "aria-current": row.id === this.current ? "true" : null, onclick: () => this.options.open(row.id) },
      make("span", { class: "first" }, dot, name, age),
      make("span", { class: "preview", dir: "auto" }, row.preview || "…"),
      chips,
    );
    button.dataset.id = row.id;
    return make("li", {}, button);
  }

  /** Who answers, in words. */
  statusOf(row) {
    const { texts } = this;
    if (row.status === "human") return row.operator === this.options.me.name ? texts.statusMine : texts.statusHuman(row.operator_name || row.operator);
    return { bot: texts.statusBot, queued: texts.statusQueued, resolved: texts.statusResolved }[row.status];
  }
}
