"""Pure conversions of the REST channel: Rasa's request JSON to a message, a message to Rasa's response JSON."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from bot.messages import MAX_TEXT_CHARS, InboundMessage, Json, OutboundMessage
from connectors.http import Refusal

DEFAULT_SENDER = "default"
ID_LIMIT_CHARS = 255


def inbound(body: Mapping[str, Any], *, channel: str, trusted: bool) -> InboundMessage | None:
    """The message in a request body; None when it holds no text, which Rasa answers with an empty list.

    Raises:
        Refusal: 400, a field has the wrong type or is too long.

    Source: https://legacy-docs-oss.rasa.com/docs/rasa/connectors/your-own-website/#rest-channels
    """
    text = _text(body.get("message"))
    sender_id = _identifier(body.get("sender"), "sender") or DEFAULT_SENDER
    message_id = _identifier(body.get("message_id"), "message_id") or uuid.uuid4().hex
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise _wrong("metadata", "an object", "对象")
    input_channel = _identifier(body.get("input_channel"), "input_channel")
    if not text:
        return None
    if input_channel:
        # Rasa lets the caller name any channel; here the name is part of the conversation's identity, so another
        # channel's conversations would be open to every caller. The wish is kept where actions can read it.
        metadata = {**metadata, "input_channel": input_channel}
    return InboundMessage(message_id, sender_id, channel, text, trusted=trusted, metadata=metadata)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong("message", "a string", "字符串")
    text = value.strip()
    if len(text) > MAX_TEXT_CHARS:
        en = f"The message has {len(text)} characters; the limit is {MAX_TEXT_CHARS}."
        raise Refusal(400, "message_too_long", en, f"消息有 {len(text)} 个字符，上限为 {MAX_TEXT_CHARS}。")
    return text


def _identifier(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _wrong(name, "a string", "字符串")
    text = str(value)
    if len(text) > ID_LIMIT_CHARS:
        raise _wrong(name, f"at most {ID_LIMIT_CHARS} characters long", f"不超过 {ID_LIMIT_CHARS} 个字符")
    return text


def _wrong(name: str, en: str, zh: str) -> Refusal:
    return Refusal(400, "wrong_type", f"`{name}` must be {en}.", f"`{name}` 必须是{zh}。")


def outbound(message: OutboundMessage, recipient_id: str) -> list[Json]:
    """The JSON objects that Rasa's REST channel collects for one response, in Rasa's order.

    Text is cut at empty lines, as Rasa does; text that goes with buttons is not.
    """
    parts: list[Json] = []
    buttons = message.quick_replies or message.buttons
    if buttons:
        parts.append({"text": message.text, "buttons": list(buttons)})
    elif message.text:
        parts += [{"text": part} for part in message.text.strip().split("\n\n")]
    parts += [{name: value} for name in ("custom", "image", "attachment") if (value := getattr(message, name))]
    parts += [_element(element) for element in message.elements]
    return [{"recipient_id": recipient_id} | {k: v for k, v in part.items() if v is not None} for part in parts]


def _element(element: Json) -> Json:
    """What Rasa sends where a channel can't draw a carousel."""
    text = f"{element.get('title', '')} : {element.get('subtitle', '')}"
    return {"text": text, "buttons": list(element.get("buttons") or ())}
