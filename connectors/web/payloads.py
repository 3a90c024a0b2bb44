"""Pure conversions of the web channel: the browser's frames to messages, transcript lines to frames.

Frames from the browser: hello {token, last_seq, lang}, message {id, text}, button {id, title, payload, sig},
typing {on}, seen {seq}. To the browser: ready {seq, status, operator[, token]}, ack {id, seq}, line {...},
typing {who, author, on}, status {status, operator}, error {code, text: {en, zh}[, id, retry_after_s]}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.ledger.ledger import Line
from bot.messages import MAX_TEXT_CHARS, InboundMessage, Json, OutboundMessage
from connectors.http import Refusal
from connectors.web.session import Signer

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def inbound(frame: Mapping[str, Any], shopper_id: str, *, signer: Signer, lang: str) -> InboundMessage:
    """The message in a `message` or `button` frame. A button is trusted only if this server offered it.

    Raises:
        Refusal: the frame is wrong; its text is for the shopper.
    """
    message_id = frame.get("id")
    if not isinstance(message_id, str) or not _ID.fullmatch(message_id):
        raise Refusal(400, "bad_id", "A message needs an id of 8 to 64 letters and digits.", "消息缺少有效的 id。")
    metadata: Json = {"language": lang}
    if frame["type"] == "message":
        return InboundMessage(message_id, shopper_id, "web", _text(frame.get("text")), metadata=metadata)
    title, payload = _text(frame.get("title")), _text(frame.get("payload"))
    trusted = signer.offered(frame.get("sig"), f"web:{shopper_id}", title, payload)
    return InboundMessage(
        message_id,
        shopper_id,
        "web",
        payload,
        trusted=trusted,
        metadata={**metadata, "title": title} if trusted else metadata,
    )


def _text(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise Refusal(400, "empty", "The message is empty.", "消息内容为空。")
    if len(text) > MAX_TEXT_CHARS:
        en = f"That is too long: {len(text)} characters, and at most {MAX_TEXT_CHARS} fit."
        raise Refusal(400, "too_long", en, f"消息太长：共 {len(text)} 个字符，最多 {MAX_TEXT_CHARS} 个。")
    return text


def line_frame(line: Line, conversation_id: str, signer: Signer) -> Json:
    """One transcript line as the browser draws it. Everything in it is text to show, never markup."""
    frame: Json = {"type": "line", "seq": line.seq, "who": line.who, "at": line.at}
    message = line.message
    if isinstance(message, InboundMessage):
        shown = message.metadata.get("title") if message.trusted else None
        return {
            **frame,
            "id": message.id,
            "text": shown if isinstance(shown, str) else message.text,
            "state": line.state,
        }
    frame["text"] = message.text
    if message.author:
        frame["author"] = message.author
    if image := web_url(message.image):
        frame["image"] = image
    if link := web_url(message.attachment):
        frame["link"] = link
    frame["cards"] = _cards(message, conversation_id, signer)
    frame["buttons"] = _buttons((*message.buttons, *message.quick_replies), conversation_id, signer)
    return {name: value for name, value in frame.items() if value not in (None, [])}


def _cards(message: OutboundMessage, conversation_id: str, signer: Signer) -> list[Json]:
    """Product and order cards, and Rasa's carousel elements drawn the same way."""
    card = (message.custom or {}).get("card")
    found = [card] if isinstance(card, Mapping) else []
    found += [{**element, "image": element.get("image_url")} for element in message.elements]
    return [_card(item, conversation_id, signer) for item in found]


def _card(card: Mapping[str, Any], conversation_id: str, signer: Signer) -> Json:
    texts = {name: str(card[name]) for name in ("kind", "title", "subtitle", "status") if card.get(name)}
    lines = [
        [str(part) for part in line]
        for line in _list(card.get("lines"))
        if isinstance(line, list | tuple) and len(line) == 2
    ]
    buttons = _buttons(_list(card.get("buttons")), conversation_id, signer)
    return {**texts, "image": web_url(card.get("image")), "lines": lines, "buttons": buttons}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _buttons(buttons: Iterable[Any], conversation_id: str, signer: Signer) -> list[Json]:
    """Links keep their address; the others are signed, so that their payload can be trusted when it comes back."""
    frames: list[Json] = []
    for button in buttons:
        title = str(button.get("title") or "").strip() if isinstance(button, Mapping) else ""
        if not title:
            continue
        if button.get("type") == "web_url" or (button.get("url") and not button.get("payload")):
            if link := web_url(button.get("url") or button.get("payload")):
                frames.append({"title": title, "url": link})
            continue
        payload = str(button.get("payload") or title).strip()
        frames.append({"title": title, "payload": payload, "sig": signer.sign_button(conversation_id, title, payload)})
    return frames


def web_url(value: Any) -> str | None:
    """An http(s) address or a path on this site; None for everything else (`javascript:`, `data:`, `//other`)."""
    if not isinstance(value, str) or re.search(r"[\x00-\x20\\]", value):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    own_path = not parts.scheme and not parts.netloc and value.startswith("/")
    return value if own_path or (parts.scheme in ("http", "https") and parts.netloc) else None
