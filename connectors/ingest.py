"""What a channel may do with the rest of the system: hand a message in, read what was answered, be told of news.

Typing is not stored; it travels as `News("typing", conversation_id, data={"who": "shopper" | "operator" | "bot",
"author": display name or None, "on": bool})`. The web channel publishes the shopper's and shows the operator's; the
desk does the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.ledger.ledger import DeskLedger, Ledger, Outbox
from bot.ledger.signal import Signal


@dataclass(frozen=True, slots=True)
class Ingest:
    """Passed to every channel.

    Args:
        ledger: `accept` makes a message durable; the worker does the rest.
        outbox: `replies` and `transcript` read what was decided.
        signal: wakes whoever waits for news of one conversation.
        secret: key for signing sessions and button payloads, at least 32 bytes.
        desk: who answers a conversation now; None where a channel has no need to show it.
    """

    ledger: Ledger
    outbox: Outbox
    signal: Signal
    secret: bytes
    desk: DeskLedger | None = None
