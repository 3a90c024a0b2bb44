"""How messages and events lie in the tables, and the few statements that every view of the store needs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from bot.errors import FenceLost
from bot.events import Event
from bot.ledger.database import Connection, Row
from bot.ledger.ledger import Delivery
from bot.messages import InboundMessage, Json, OutboundMessage

BUCKETS = 1024
MAX_KEY_CHARS = 512

DELIVERY_COLUMNS = "id, conversation_id, channel, recipient_id, seq, inbox_id, body, attempts"

_encode = json.JSONEncoder(separators=(",", ":")).encode


def dump(value: Any) -> str:
    """JSON in ASCII, so that half a surrogate or a NUL in a shopper's text can be stored anywhere."""
    return _encode(value)


def load(text: str) -> Json:
    value: Json = json.loads(text)
    return value


def bucket_of(conversation_id: str) -> int:
    """0..1023, the same on every machine and in every version."""
    return zlib.crc32(conversation_id.encode()) % BUCKETS


def checked_key(name: str, value: str) -> str:
    """An id that every database can hold.

    Raises:
        ValueError: empty, longer than MAX_KEY_CHARS, or with characters that are no text.
    """
    if not value or len(value) > MAX_KEY_CHARS or "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"{name} must have 1 to {MAX_KEY_CHARS} characters and be valid text, without NUL")
    return value


def delivery_of(row: Row) -> Delivery:
    """A Delivery from DELIVERY_COLUMNS."""
    number, conversation_id, channel, recipient_id, seq, inbox_id, body, attempts = row
    message = OutboundMessage.from_json(load(body))
    return Delivery(number, conversation_id, channel, recipient_id, seq, inbox_id, message, attempts)


def inbound_of(body: str) -> InboundMessage:
    return InboundMessage.from_json(load(body))


def add_events(connection: Connection, conversation_id: str, first: int, events: Sequence[Event]) -> None:
    """Store events under the numbers `first`, `first` + 1 ..."""
    if events:
        connection.many(
            "INSERT INTO event (conversation_id, number, type, body) VALUES (?, ?, ?, ?)",
            [
                (conversation_id, number, event.type, dump(event.to_json()))
                for number, event in enumerate(events, first)
            ],
        )


def add_outbox(
    connection: Connection,
    conversation_id: str,
    messages: Iterable[tuple[str, int, OutboundMessage]],
    *,
    channel: str,
    recipient_id: str,
    inbox_id: int | None = None,
) -> None:
    """Store outbound messages, each given with its unique part name and its seq."""
    rows = [
        (conversation_id, part, inbox_id, seq, channel, recipient_id, dump(message.to_json()))
        for part, seq, message in messages
    ]
    if rows:
        connection.many(
            "INSERT INTO outbox (conversation_id, part, inbox_id, seq, channel, recipient_id, body, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, {now})",
            rows,
        )


def clock(connection: Connection) -> float:
    """The database's time, in seconds since the epoch."""
    row = connection.row("SELECT {now}")
    assert row is not None
    return float(row[0])


def insert_inbox(connection: Connection, message: InboundMessage, seq: int) -> int | None:
    """Put a message into the inbox; its id, or None when it had been there before."""
    row = connection.row(
        "INSERT INTO inbox (conversation_id, source, dedupe_key, seq, kind, body, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, {now}) "
        "ON CONFLICT (conversation_id, source, dedupe_key) DO NOTHING RETURNING id",
        message.conversation_id, message.channel, message.id, seq, message.kind, dump(message.to_json()),
    )  # fmt: skip
    return int(row[0]) if row else None


def close_message(connection: Connection, inbox_id: int, status: str, reason: str | None = None) -> None:
    """Take a message off the ready ones.

    Raises:
        FenceLost: it was closed before.
    """
    sql = "UPDATE inbox SET status = ?, reason = ? WHERE id = ? AND status = 'ready'"
    if connection.run(sql, status, reason, inbox_id) != 1:
        raise FenceLost(f"message {inbox_id} was handled before")
