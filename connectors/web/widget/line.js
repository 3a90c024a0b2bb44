/* Drawing one line of the conversation. Everything that came from elsewhere becomes text or a checked address. */

import { make } from "./node.js";

const LINK = /https?:\/\/[^\s<>"'`，。！？；：、（）【】《》「」]+/g;

/** An http(s) address to link to, or null. */
export function linkOf(value, server) {
  try {
    const url = new URL(value, server);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** An address to load a picture from: https, or the chat's own server. */
export function imageOf(value, server) {
  const link = linkOf(value, server);
  return link && (link.startsWith("https:") || new URL(link).origin === server) ? link : null;
}

function anchor(href, label, texts) {
  const title = texts.newTab;
  return make("a", { href, target: "_blank", rel: "noopener noreferrer", title }, label);
}

/** A text with its web addresses made links. */
export function linked(text, texts) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(/[.,!?;:)\]]+$/, "");
    const href = linkOf(address);
    if (!href) continue;
    parts.push(text.slice(end, match.index), anchor(href, address, texts));
    end = match.index + address.length;
  }
  parts.push(text.slice(end));
  return parts.filter((part) => part !== "");
}

function picture(address, alt, server) {
  const src = imageOf(address, server);
  if (!src) return null;
  const image = make("img", { src, alt, loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
  const frame = make("div", { class: "picture" }, image);
  image.addEventListener("error", () => frame.remove());
  return frame;
}

function choices(buttons, context, kind) {
  if (!buttons || !buttons.length) return null;
  const made = buttons.map((button) => {
    if (button.url) {
      const href = linkOf(button.url, context.server);
      return href ? anchor(href, button.title, context.texts) : null;
    }
    return make("button", { type: "button", onclick: () => context.press(button) }, button.title);
  });
  return make("div", { class: kind, role: "group", "aria-label": context.texts.choices }, ...made);
}

function card(data, context) {
  const rows = data.lines.map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", {}, value)));
  return make(
    "article",
    { class: "card", "aria-label": data.title },
    data.image ? picture(data.image, data.title || context.texts.image, context.server) : null,
    make(
      "div",
      { class: "card-body" },
      data.status ? make("p", { class: "card-status" }, data.status) : null,
      data.title ? make("h3", {}, data.title) : null,
      data.subtitle ? make("p", { class: "card-subtitle" }, data.subtitle) : null,
      rows.length ? make("dl", {}, ...rows) : null,
      choices(data.buttons, context, "card-buttons"),
    ),
  );
}

/**
 * The element of one line.
 * @param line {who, text, author, image, link, cards, buttons}
 * @param context {texts, server, press(button)}
 */
export function drawLine(line, context) {
  const { texts, server } = context;
  const speaker = { shopper: texts.you, bot: texts.bot, system: texts.system }[line.who] || line.author || texts.colleague;
  const bubble = line.text ? make("p", { class: "bubble", dir: "auto" }, ...linked(line.text, texts)) : null;
  return make(
    "div",
    { class: `line ${line.who}` },
    make("span", { class: line.who === "operator" ? "speaker" : "speaker hidden" }, speaker),
    bubble,
    line.image ? picture(line.image, texts.image, server) : null,
    line.link && linkOf(line.link, server) ? anchor(linkOf(line.link, server), texts.link, texts) : null,
    ...(line.cards || []).map((data) => card({ lines: [], ...data }, context)),
    choices(line.buttons, context, "buttons"),
  );
}

/** "14:05" today, otherwise with the date. `at`: seconds since the epoch. */
export function timeOf(at, language) {
  const date = new Date(at * 1000);
  const today = date.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit" };
  const options = today ? time : { month: "short", day: "numeric", ...time };
  return date.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", options);
}
