"""Pure conversions: rows and lines of the store to what the desk's page draws. Everything in them is text to show.

Frames to the page: queue {conversations}, conversation {...}, lines {conversation, lines, more}, typing {conversation,
on}, presence {state}, error {code, text: {en, zh}}, pong. From the page: open {conversation, after}, close,
typing {conversation, on}, ping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.ledger.ledger import ConversationRow, Line
from bot.ledger.operator_store import Session
from bot.messages import InboundMessage, Json, OutboundMessage

SLOT_CHARS = 300
CARD_TEXTS = ("kind", "title", "subtitle", "status")

_HAN = re.compile(r"[\u3400-\u9fff]")
_INNER_SLOTS = frozenset({"session_started_metadata"})


def language_of(text: str) -> str:
    """`zh` where there is a Chinese character, else `en`."""
    return "zh" if _HAN.search(text) else "en"


def me_json(session: Session) -> Json:
    operator = session.operator
    return {
        "name": operator.name,
        "display_name": operator.display_name,
        "role": operator.role,
        "state": operator.state,
        "csrf": session.csrf,
    }


def row_json(row: ConversationRow, names: Mapping[str, str]) -> Json:
    """One entry of the queue. `names`: operators' display names."""
    return {
        "id": row.id,
        "channel": row.channel,
        "sender": row.sender_id,
        "status": row.status,
        "operator": row.operator,
        "operator_name": names.get(row.operator, row.operator) if row.operator else None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "queued_at": row.queued_at,
        "last_seq": row.last_seq,
        "preview": row.preview,
        "language": language_of(row.preview),
    }


def conversation_json(row: ConversationRow, names: Mapping[str, str]) -> Json:
    """A queue entry with what the bot has understood; a slot's value is cut to SLOT_CHARS."""
    slots = {
        name: _shown(value) for name, value in row.slots.items() if name not in _INNER_SLOTS and value not in ("", [])
    }
    return {**row_json(row, names), "slots": slots}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)[:SLOT_CHARS]
    return str(value)[:SLOT_CHARS]


def line_json(line: Line) -> Json:
    """One line of the transcript, without fields that are empty."""
    frame: Json = {"seq": line.seq, "who": line.who, "at": line.at, "state": line.state}
    frame |= _heard(line.message) if isinstance(line.message, InboundMessage) else _said(line.message)
    return {name: value for name, value in frame.items() if value not in (None, [])}


def _heard(message: InboundMessage) -> Json:
    title = message.metadata.get("title") if message.trusted else None
    return {
        "text": title if isinstance(title, str) else message.text,
        "pressed": isinstance(title, str) or None,
        "files": [{"name": file.name or file.kind, "url": file.url} for file in message.attachments],
    }


def _said(message: OutboundMessage) -> Json:
    card = (message.custom or {}).get("card")
    cards = [card] if isinstance(card, Mapping) else []
    cards += [{**element, "image": element.get("image_url")} for element in message.elements]
    return {
        "text": message.text,
        "author": message.author,
        "image": message.image if isinstance(message.image, str) else None,
        "link": message.attachment if isinstance(message.attachment, str) else None,
        "cards": [_card(item) for item in cards],
        "buttons": _titles((*message.buttons, *message.quick_replies)),
    }


def _card(card: Mapping[str, Any]) -> Json:
    pairs = [line for line in _list(card.get("lines")) if isinstance(line, list | tuple) and len(line) == 2]
    image = card.get("image")
    return {
        **{name: str(card[name]) for name in CARD_TEXTS if card.get(name)},
        "image": image if isinstance(image, str) else None,
        "lines": [[str(part) for part in pair] for pair in pairs],
    }


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _titles(buttons: Iterable[Any]) -> list[str]:
    return [str(button["title"]) for button in buttons if isinstance(button, Mapping) and button.get("title")]
