/* The right: the order card, what the bot has understood, and facts about the conversation. */

import { drawCard } from "./line.js";
import { make } from "./node.js";
import { timeOf } from "./text.js";

function pairs(entries) {
  const rows = entries.map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", { dir: "auto" }, value)));
  return make("dl", { class: "pairs" }, ...rows);
}

const spaced = (name) => name.replaceAll("_", " ");

/** The last card that a bot or a colleague has shown, orders before others. */
export function cardOf(lines) {
  const cards = lines.flatMap((line) => line.cards || []);
  return cards.filter((card) => card.kind === "order").pop() || cards.pop() || null;
}

/** @param context {conversation, lines, texts, language, status} */
export function drawFacts({ conversation, lines, texts, language, status }) {
  const card = cardOf(lines);
  const slots = Object.entries(conversation.slots || {}).map(([name, value]) => [name === "requested_slot" ? texts.requested : spaced(name), name === "requested_slot" ? spaced(value) : value]);
  const about = [
    [texts.status, status],
    [texts.channel, conversation.channel],
    [texts.spoken, conversation.language === "zh" ? texts.zh : texts.en],
    [texts.started, timeOf(conversation.created_at, language)],
    [texts.changed, timeOf(conversation.updated_at, language)],
    ...(conversation.queued_at ? [[texts.asked, timeOf(conversation.queued_at, language)]] : []),
    [texts.id, conversation.id],
  ];
  return [
    card ? make("section", {}, make("h3", {}, card.kind === "order" ? texts.order : texts.card), drawCard(card, texts)) : null,
    make("section", {}, make("h3", {}, texts.understood), slots.length ? pairs(slots) : make("p", { class: "soft" }, texts.nothingUnderstood)),
    make("section", {}, make("h3", {}, texts.about), pairs(about)),
  ].filter(Boolean);
}
