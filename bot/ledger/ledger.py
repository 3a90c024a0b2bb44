"""The contract of the one store: messages accepted, events, messages to deliver, who answers.

Three views on one database, each a Protocol of at most six methods: `Ledger` (the worker's), `Outbox` (the
deliverer's and the channels'), `DeskLedger` (the operators'). Each method is one transaction. Every method may raise
LedgerUnavailable. All times are the database's, in seconds since the epoch.

Inbox and outbox rows of a conversation share one rising `seq`, so a transcript is both tables ordered by it, and a
client that knows the last `seq` it saw can ask for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.events import Event
from bot.messages import InboundMessage, Json, OutboundMessage, Status
from bot.turn import Turn


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receipt of one message. `new` is False when it had been accepted before."""

    inbox_id: int
    seq: int
    new: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to handle one message, until the lease ends or the fence moves.

    `last_event` is the number of events that the conversation has: a tracker cached at that number is current.
    """

    conversation_id: str
    inbox_id: int
    fence: int
    message: InboundMessage
    status: Status
    attempts: int
    last_event: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outbox row. `id` doubles as the idempotency key of the send. `inbox_id` is None for an operator's words."""

    id: int
    conversation_id: str
    channel: str
    recipient_id: str
    seq: int
    inbox_id: int | None
    message: OutboundMessage
    attempts: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript.

    `who`: shopper, bot, operator or system. `state`: for the shopper's lines pending | done | dead, for the others
    due | sent | failed.
    """

    seq: int
    who: Literal["shopper", "bot", "operator", "system"]
    at: float
    state: str
    message: InboundMessage | OutboundMessage


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """What the desk lists. `operator` is who claimed it; `queued_at` is set while status is queued."""

    id: str
    channel: str
    sender_id: str
    status: Status
    operator: str | None
    created_at: float
    updated_at: float
    queued_at: float | None
    last_seq: int
    preview: str = ""
    slots: Json = field(default_factory=dict)


class Ledger(Protocol):
    """What ingest and the worker need."""

    async def accept(self, message: InboundMessage) -> Accepted:
        """Store a message durably, once for each (conversation, channel, message.id).

        Raises:
            LedgerFull: too many messages wait, here or in this conversation.
        """
        ...

    async def claim(self, *, limit: int, lease_s: float) -> list[Claim]:
        """Lease up to `limit` conversations that have a ready message and no live lease; the oldest message of each.
        Each claim raises the conversation's fence."""
        ...

    async def renew(self, claim: Claim, *, lease_s: float) -> None:
        """Lengthen the lease. Raises FenceLost."""
        ...

    async def commit(self, claim: Claim, turn: Turn) -> None:
        """Events, outbox, status and `done`, in one transaction; ends the lease. Raises FenceLost: nothing stored."""
        ...

    async def fail(self, claim: Claim, reason: str, *, retry_after_s: float | None) -> None:
        """The turn could not be decided: try again later or, with None, mark the message dead and go on."""
        ...

    async def events(self, conversation_id: str, *, after: int = 0) -> list[Event]:
        """The conversation's events number `after`+1 and on."""
        ...


class Outbox(Protocol):
    """What the deliverer and the channels need."""

    async def due(self, channels: Sequence[str], *, limit: int) -> list[Delivery]:
        """Rows to send now: the oldest unsent row of each conversation, so order is kept. They are lent for a minute:
        until then no other caller gets them."""
        ...

    async def delivered(self, ids: Sequence[int], *, provider_id: str | None = None) -> None:
        """Mark rows sent."""
        ...

    async def postponed(self, delivery: Delivery, reason: str, *, retry_after_s: float | None) -> None:
        """A send failed: try again after that time or, with None, give it up as failed."""
        ...

    async def replies(self, inbox_id: int) -> list[Delivery] | None:
        """The rows that the message's turn decided, in order; None while the turn is not committed."""
        ...

    async def pending(self, conversation_id: str) -> list[Delivery]:
        """All rows of one conversation that are not marked sent or failed, in order: what a client that fetches its
        messages has not got yet, an operator's words included."""
        ...

    async def transcript(self, conversation_id: str, *, after: int = 0, limit: int = 500) -> list[Line]:
        """Lines with seq > `after`, in order."""
        ...


class DeskLedger(Protocol):
    """What the desk needs. Each change raises the fence, so a turn of the bot in progress can't speak after it."""

    async def conversations(self, statuses: Sequence[Status], *, limit: int = 100) -> list[ConversationRow]:
        """Newest change first; queued ones oldest first."""
        ...

    async def conversation(self, conversation_id: str) -> ConversationRow | None: ...

    async def claim_conversation(self, conversation_id: str, operator: str) -> bool:
        """queued | bot -> human, for one operator. False when another one has it."""
        ...

    async def say(self, conversation_id: str, operator: str, message: OutboundMessage, *, key: str) -> int:
        """An operator's words: an `agent` event and an outbox row; `key` de-duplicates. Returns the row's seq.

        Raises:
            PermissionError: the conversation is not this operator's.
        """
        ...

    async def hand_back(self, conversation_id: str, operator: str) -> None:
        """human -> bot, and a `handback` message in the inbox so that the bot takes the thread up again."""
        ...

    async def resolve(self, conversation_id: str, operator: str) -> None:
        """human | queued -> resolved; the shopper's next message goes to the bot in a new session."""
        ...
