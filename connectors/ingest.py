"""What a channel may do with the rest of the system: hand a message in, read what was answered, be told of news."""

from __future__ import annotations

from dataclasses import dataclass

from bot.ledger.ledger import Ledger, Outbox
from bot.ledger.signal import Signal


@dataclass(frozen=True, slots=True)
class Ingest:
    """Passed to every channel.

    Args:
        ledger: `accept` makes a message durable; the worker does the rest.
        outbox: `replies` and `transcript` read what was decided.
        signal: wakes whoever waits for news of one conversation.
        secret: key for signing sessions and button payloads, at least 32 bytes.
    """

    ledger: Ledger
    outbox: Outbox
    signal: Signal
    secret: bytes
