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
    texts = [line.message for line in reversed(lines) if isinstance(line.message, InboundMessage)]
    for message in texts:
        # A button's payload tells nothing; nor does a text of digits.
        if not message.text.startswith("/") and any(character.isalpha() for character in message.text):
            return language_of(message.text)
    return "zh" if any(message.metadata.get("language") == "zh" for message in texts) else "en"


def notice(texts: tuple[str, str], name: str, language: str) -> OutboundMessage:
    """`name`: the operator's display name, which the shopper sees."""
    text = texts[1] if language == "zh" else texts[0]
    return OutboundMessage(text=text.format_map({"name": name}), origin="system", author=name)
