"""The desk's own lines in a conversation: who has come and who has gone, in the shopper's language."""

from __future__ import annotations

from bot.ledger.ledger import ConversationRow, Outbox
from bot.messages import InboundMessage, OutboundMessage
from connectors.desk.payloads import language_of

JOINED = ("{name} has joined the chat.", "{name} 已加入对话，为您服务。")
LEFT = ("{name} has left the chat.", "{name} 已离开对话。")
LOOK_BACK = 40
"""Lines in which the shopper's last words are looked for."""


async def shopper_language(row: ConversationRow, outbox: Outbox) -> str:
    """`en` or `zh`: the slot `language`, else the script of the shopper's last words, else what their page said."""
    slot = str(row.slots.get("language") or "").lower()
    if slot[:2] in ("en", "zh"):
        return slot[:2]
    lines = await outbox.transcript(row.id, after=max(0, row.last_seq - LOOK_BACK), limit=LOOK_BACK)
    for line in reversed(lines):
        message = line.message
        if isinstance(message, InboundMessage) and any(character.isalpha() for character in message.text):
            command = message.text.startswith("/")  # a button: its payload tells nothing, the page's language does
            return str(message.metadata.get("language") or "en")[:2] if command else language_of(message.text)
    return "en"


def notice(texts: tuple[str, str], name: str, language: str) -> OutboundMessage:
    """`name`: the operator's display name, which the shopper sees."""
    text = texts[1] if language == "zh" else texts[0]
    return OutboundMessage(text=text.format_map({"name": name}), origin="system", author=name)
