/* Drawing one line of a transcript, and cards. Everything that came from elsewhere becomes text or a checked address. */

import { imageOf, linkOf, make } from "./node.js";
import { timeOf } from "./text.js";

function picture(address, alt) {
  const src = imageOf(address);
  if (!src) return null;
  const image = make("img", { src, alt, loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
  const frame = make("div", { class: "picture" }, image);
  image.addEventListener("error", () => frame.remove());
  return frame;
}

function anchor(address, label) {
  const href = linkOf(address);
  return href ? make("a", { href, target: "_blank", rel: "noopener noreferrer" }, label) : null;
}

/** A product or order card: {kind, title, subtitle, status, image, lines}. */
export function drawCard(card, texts) {
  const rows = (card.lines || []).map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", {}, value)));
  return make(
    "article",
    { class: "card" },
    card.image ? picture(card.image, card.title || texts.image) : null,
    make(
      "div",
      { class: "card-body" },
      card.status ? make("p", { class: "card-status" }, card.status) : null,
      card.title ? make("h3", {}, card.title) : null,
      card.subtitle ? make("p", { class: "soft" }, card.subtitle) : null,
      rows.length ? make("dl", { class: "pairs" }, ...rows) : null,
    ),
  );
}

function speaker(line, { texts, me }) {
  if (line.who === "operator") return line.author === me.display_name || line.mine ? texts.you : line.author || texts.colleague;
  return { shopper: texts.shopperName, bot: texts.bot, system: texts.notice }[line.who];
}

/** The element of one line. `context`: {texts, language, me}. */
export function drawLine(line, context) {
  const { texts, language } = context;
  const time = make("time", { datetime: new Date(line.at * 1000).toISOString() }, timeOf(line.at, language));
  const head = make("p", { class: "speaker" }, make("b", {}, speaker(line, context)), " ", time);
  if (line.pressed) head.append(` · ${texts.pressed}`);
  const buttons = (line.buttons || []).map((title) => make("li", {}, title));
  return make(
    "div",
    { class: `line ${line.who}` },
    head,
    line.text ? make("p", { class: "bubble", dir: "auto" }, line.text) : null,
    line.image ? picture(line.image, texts.image) : null,
    line.link ? anchor(line.link, texts.attachment) : null,
    ...(line.files || []).map((file) => anchor(file.url, file.name)),
    ...(line.cards || []).map((card) => drawCard(card, texts)),
    buttons.length ? make("ul", { class: "offered", "aria-label": texts.offered }, ...buttons) : null,
  );
}
