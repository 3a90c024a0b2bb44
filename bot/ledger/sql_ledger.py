"""Ledger in SQL: the inbox, leases with fences, and turns committed whole.

The lease also carries the back-off: a message that failed leaves its conversation leased until the next try, so the
messages behind it wait and order is kept.

A message that kills the process can't report it, so each claim counts as a death until the turn comes to an end. But
such a death counts against all messages that were in hand. Those with SUSPECT_DEATHS are therefore handled first and
entirely alone: the guilty one is found, the others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from bot.errors import FenceLost, LedgerFull
from bot.events import BotUttered, Event, from_json
from bot.ledger.database import Connection, Database, Row, TryAgain
from bot.ledger.failpoint import failpoint
from bot.ledger.ledger import Accepted, Claim
from bot.ledger.rows import (
    add_events,
    add_outbox,
    bucket_of,
    checked_key,
    clock,
    close_message,
    dump,
    inbound_of,
    insert_inbox,
    load,
)
from bot.ledger.signal import News, Signal
from bot.messages import InboundMessage, OutboundMessage
from bot.turn import Turn

_LOG = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5
"""Times a message is tried before it is given up and a person is asked to help."""

SUSPECT_DEATHS: Final = 2
"""Tries without an end after which a message is handled alone. The index `inbox_suspect` knows the number too."""

MAX_DEATHS: Final = SUSPECT_DEATHS + MAX_ATTEMPTS
"""Tries without an end after which a message is given up."""

MAX_TRIES: Final = 20
"""Tries of whatever kind after which a message is given up: it outlasts its lease each time."""

RETRY_AFTER_S: Final = 2.0
"""What LedgerFull tells the caller."""

_CLAIM = """UPDATE conversation SET fence = fence + 1, lease_until = {now} + ? WHERE id IN (
    SELECT id FROM conversation WHERE ready > 0 AND lease_until <= {now} ORDER BY waits_since LIMIT ? {skip_locked})
    RETURNING id, fence, status, next_event"""

_SUSPECT = """SELECT i.id FROM inbox AS i JOIN conversation AS c ON c.id = i.conversation_id
    WHERE i.status = 'ready' AND i.deaths >= 2 AND c.lease_until <= {now} LIMIT 1"""

_CLAIM_SUSPECT = """UPDATE conversation SET fence = fence + 1, lease_until = {now} + ? WHERE id IN (
    SELECT id FROM conversation WHERE ready > 0 AND lease_until <= {now} AND id IN (
    SELECT conversation_id FROM inbox WHERE status = 'ready' AND deaths >= 2)
    ORDER BY waits_since LIMIT 1 {skip_locked}) RETURNING id, fence, status, next_event"""

_OLDEST = """SELECT id, body, attempts, deaths, created_at FROM inbox
    WHERE conversation_id = ? AND status = 'ready' ORDER BY seq LIMIT 1"""

_COMMIT = """UPDATE conversation SET fence = fence + 1, lease_until = 0, ready = ready - 1, updated_at = {now},
    waits_since = {now},
    next_event = next_event + ?, next_seq = next_seq + ? WHERE id = ? AND fence = ?
    RETURNING next_event, next_seq, status"""

_STATUS = """UPDATE conversation SET status = ?, operator = CASE WHEN ? = 'human' THEN operator ELSE NULL END,
    queued_at = CASE WHEN ? <> 'queued' THEN NULL ELSE COALESCE(queued_at, {now}) END WHERE id = ?"""

_DEAD_STATUS = {"bot": "queued", "resolved": "queued"}
"""Where a conversation goes when one of its messages is given up."""


class SqlLedger:
    """Ledger over a Database.

    Args:
        limit: messages that may wait in all conversations together.
        conversation_limit: messages that may wait in one conversation.
    """

    def __init__(self, database: Database, signal: Signal, *, limit: int = 5000, conversation_limit: int = 50) -> None:
        self._database = database
        self._signal = signal
        self._limit = limit
        self._conversation_limit = conversation_limit
        self._in_hand: dict[int, float] = {}  # messages claimed and not ended, and when they count as lost
        self._suspect: int | None = None  # the one that must be alone

    async def accept(self, message: InboundMessage) -> Accepted:
        """See Ledger.accept.

        Raises:
            LedgerFull: too many messages wait.
            ValueError: an id that can't be stored.
        """
        checked_key("message id", message.id)
        checked_key("conversation id", message.conversation_id)
        failpoint("before_insert")
        accepted = await self._database.write(lambda connection: self._accept(connection, message))
        failpoint("after_insert")
        if accepted.new:
            self._signal.publish(News("accepted", message.conversation_id, accepted.inbox_id))
        return accepted

    def _accept(self, connection: Connection, message: InboundMessage) -> Accepted:
        known = connection.row(
            "SELECT id, seq FROM inbox WHERE conversation_id = ? AND source = ? AND dedupe_key = ?",
            message.conversation_id, message.channel, message.id,
        )  # fmt: skip
        if known:
            return Accepted(known[0], known[1], False)
        waiting = connection.row("SELECT COUNT(*) FROM inbox WHERE status = 'ready'")
        if waiting and waiting[0] >= self._limit:
            raise LedgerFull(f"{waiting[0]} messages wait to be answered", retry_after_s=RETRY_AFTER_S)
        seq, ready = open_conversation(connection, message)
        if ready > self._conversation_limit:
            raise LedgerFull(f"{ready - 1} messages of this conversation wait", retry_after_s=RETRY_AFTER_S)
        inbox_id = insert_inbox(connection, message, seq)
        if inbox_id is None:
            raise TryAgain
        return Accepted(inbox_id, seq, True)

    async def claim(self, *, limit: int, lease_s: float) -> list[Claim]:
        self._forget_lost()
        if self._suspect is not None:
            return []
        idle = not self._in_hand
        claims, dead = await self._database.write(
            lambda connection: _claim(connection, limit, lease_s, idle), durable=False
        )
        for claim, suspect in claims:
            self._in_hand[claim.inbox_id] = time.monotonic() + lease_s
            if suspect:
                self._suspect = claim.inbox_id
        for claim in dead:
            with suppress(FenceLost):  # an operator was quicker: the message goes round once more, and then ends here
                await self.fail(claim, "the process ended at every try", retry_after_s=None)
        failpoint("after_claim")
        return [claim for claim, _ in claims]

    async def renew(self, claim: Claim, *, lease_s: float) -> None:
        def run(connection: Connection) -> None:
            sql = "UPDATE conversation SET lease_until = {now} + ? WHERE id = ? AND fence = ?"
            if connection.run(sql, lease_s, claim.conversation_id, claim.fence) != 1:
                raise _lost(claim)

        await self._database.write(run, durable=False)
        self._in_hand[claim.inbox_id] = time.monotonic() + lease_s

    async def commit(self, claim: Claim, turn: Turn) -> None:
        failpoint("before_commit")
        self._clear(claim)
        try:
            changed = await self._database.write(lambda connection: self._commit(connection, claim, turn))
        except FenceLost:
            await self._database.write(lambda connection: _absolve(connection, claim), durable=False)
            raise
        failpoint("after_commit")
        self._signal.publish(News("committed", claim.conversation_id, claim.inbox_id))
        if changed:
            self._signal.publish(News("status", claim.conversation_id))

    def _commit(self, connection: Connection, claim: Claim, turn: Turn) -> bool:
        first_event, first_seq, old = _end_claim(connection, claim, len(turn.events), len(turn.messages))
        close_message(connection, claim.inbox_id, "done")
        add_events(connection, claim.conversation_id, first_event, turn.events)
        connection.run(
            "INSERT INTO turn (inbox_id, conversation_id, first_event, events, created_at) VALUES (?, ?, ?, ?, {now})",
            claim.inbox_id, claim.conversation_id, first_event, len(turn.events),
        )  # fmt: skip
        _add_replies(connection, claim, first_seq, turn.messages)
        status = turn.status or ("bot" if old == "resolved" else old)
        if status != old:
            set_status(connection, claim.conversation_id, status)
        return status != old

    async def fail(self, claim: Claim, reason: str, *, retry_after_s: float | None) -> None:
        self._clear(claim)
        if retry_after_s is not None and claim.attempts < MAX_ATTEMPTS:
            await self._database.write(lambda connection: _retry_later(connection, claim, reason, retry_after_s))
            return
        await self._database.write(lambda connection: _bury(connection, claim, reason))
        self._signal.publish(News("committed", claim.conversation_id, claim.inbox_id))
        self._signal.publish(News("status", claim.conversation_id))

    def _clear(self, claim: Claim) -> None:
        self._in_hand.pop(claim.inbox_id, None)
        if self._suspect == claim.inbox_id:
            self._suspect = None

    def _forget_lost(self) -> None:
        """Messages whose lease ended without a word: whoever had them is gone."""
        now = time.monotonic()
        for inbox_id in [inbox_id for inbox_id, until in self._in_hand.items() if until < now]:
            del self._in_hand[inbox_id]
            if self._suspect == inbox_id:
                self._suspect = None

    async def events(self, conversation_id: str, *, after: int = 0) -> list[Event]:
        sql = "SELECT body FROM event WHERE conversation_id = ? AND number > ? ORDER BY number"
        rows = await self._database.read(lambda connection: connection.rows(sql, conversation_id, after))
        return [from_json(load(row[0])) for row in rows]

    async def release_leases(self) -> int:
        """End every lease: for a process that knows that the ones before it are gone. Returns how many it ended.

        What was cut off is the oldest, so it comes first.
        """

        def run(connection: Connection) -> int:
            connection.run("UPDATE outbox SET not_before = 0 WHERE status = 'due' AND attempts = 0 AND not_before > 0")
            return connection.run(
                "UPDATE conversation SET fence = fence + 1, lease_until = 0 WHERE lease_until > {now} AND ready > 0"
            )

        return await self._database.write(run)


def _claim(
    connection: Connection, limit: int, lease_s: float, idle: bool
) -> tuple[list[tuple[Claim, bool]], list[Claim]]:
    """Lease conversations: what is to be handled, each with whether it is a suspect, and what has to be given up.

    A suspect is taken only while nothing else is in hand, and nothing else is taken while one waits.
    """
    if connection.row(_SUSPECT) is None:
        rows = connection.rows(_CLAIM, lease_s, limit)
    else:
        rows = connection.rows(_CLAIM_SUSPECT, lease_s) if idle else ()
    claims: list[tuple[Claim, bool]] = []
    dead: list[Claim] = []
    for row in rows:
        claimed = _oldest(connection, row)
        if claimed is not None:
            claim, deaths = claimed
            if deaths < MAX_DEATHS and claim.attempts <= MAX_TRIES:
                claims.append((claim, deaths >= SUSPECT_DEATHS))
            else:
                dead.append(claim)
    return sorted(claims, key=lambda pair: pair[0].inbox_id), dead


def _oldest(connection: Connection, row: Row) -> tuple[Claim, int] | None:
    """The oldest message of a conversation just leased, and how many tries of it came to no end."""
    conversation_id, fence, status, next_event = row
    found = connection.row(_OLDEST, conversation_id)
    if found is None:  # can't be; but one broken count must not stop every other conversation
        _LOG.error("conversation %s counted messages that are not there", conversation_id)
        connection.run("UPDATE conversation SET ready = 0 WHERE id = ?", conversation_id)
        return None
    inbox_id, body, attempts, deaths, created_at = found
    connection.run("UPDATE inbox SET attempts = attempts + 1, deaths = deaths + 1 WHERE id = ?", inbox_id)
    message = _stamped(inbound_of(body), created_at)
    return Claim(conversation_id, inbox_id, fence, message, status, attempts + 1, next_event - 1), deaths


def _absolve(connection: Connection, claim: Claim) -> None:
    """A turn that came too late came to an end all the same: the process outlived it."""
    sql = "UPDATE inbox SET deaths = deaths - 1 WHERE id = ? AND status = 'ready' AND deaths > 0"
    connection.run(sql, claim.inbox_id)


def open_conversation(connection: Connection, message: InboundMessage) -> tuple[int, int]:
    """Count one more message in its conversation, which begins if it is new.

    Returns:
        The message's seq, and how many messages wait in the conversation with it.
    """
    conversation_id = message.conversation_id
    row = connection.row(
        "INSERT INTO conversation (id, channel, sender_id, bucket, next_seq, ready, created_at, updated_at, "
        "waits_since) VALUES (?, ?, ?, ?, 2, 1, {now}, {now}, {now}) ON CONFLICT (id) DO UPDATE SET "
        "next_seq = conversation.next_seq + 1, ready = conversation.ready + 1, updated_at = {now}, "
        "waits_since = CASE WHEN conversation.ready = 0 THEN {now} ELSE conversation.waits_since END "
        "RETURNING next_seq - 1, ready",
        conversation_id, message.channel, message.sender_id, bucket_of(conversation_id),
    )  # fmt: skip
    assert row is not None
    return int(row[0]), int(row[1])


def set_status(connection: Connection, conversation_id: str, status: str) -> None:
    connection.run(_STATUS, status, status, status, conversation_id)


def _stamped(message: InboundMessage, accepted_at: float) -> InboundMessage:
    """The message with the time at which it was accepted, for what depends on time (a session's end)."""
    return replace(message, metadata={**message.metadata, "accepted_at": accepted_at})


def _lost(claim: Claim) -> FenceLost:
    return FenceLost(f"{claim.conversation_id} was taken over while message {claim.inbox_id} was being handled")


def _end_claim(connection: Connection, claim: Claim, events: int, messages: int) -> tuple[int, int, str]:
    """Close the lease and reserve numbers; the first event number, the first seq, the status before."""
    row: Row | None = connection.row(_COMMIT, events, messages, claim.conversation_id, claim.fence)
    if row is None:
        raise _lost(claim)
    return int(row[0]) - events, int(row[1]) - messages, str(row[2])


def _add_replies(connection: Connection, claim: Claim, first_seq: int, messages: Sequence[OutboundMessage]) -> None:
    parts = ((f"{claim.inbox_id}:{i}", first_seq + i, message) for i, message in enumerate(messages))
    add_outbox(
        connection,
        claim.conversation_id,
        parts,
        channel=claim.message.channel,
        recipient_id=claim.message.sender_id,
        inbox_id=claim.inbox_id,
    )


def _retry_later(connection: Connection, claim: Claim, reason: str, retry_after_s: float) -> None:
    sql = "UPDATE conversation SET fence = fence + 1, lease_until = {now} + ? WHERE id = ? AND fence = ?"
    if connection.run(sql, retry_after_s, claim.conversation_id, claim.fence) != 1:
        raise _lost(claim)
    connection.run("UPDATE inbox SET deaths = deaths - 1, reason = ? WHERE id = ?", dump(reason[:500]), claim.inbox_id)


def _bury(connection: Connection, claim: Claim, reason: str) -> None:
    """Give a message up: the shopper is told, and the conversation waits for a person."""
    text = apology(claim.message.text)
    event = BotUttered(text=text, timestamp=clock(connection), metadata={"utter_action": "message_given_up"})
    first_event, first_seq, old = _end_claim(connection, claim, 1, 1)
    close_message(connection, claim.inbox_id, "dead", dump(reason[:500]))
    add_events(connection, claim.conversation_id, first_event, [event])
    _add_replies(connection, claim, first_seq, [OutboundMessage(text=text, metadata=event.metadata)])
    set_status(connection, claim.conversation_id, _DEAD_STATUS.get(old, old))


def apology(text: str) -> str:
    """What a shopper reads whose message can't be handled, in the language of that message."""
    if any("\u4e00" <= char <= "\u9fff" for char in text):
        return "抱歉,我没能处理您的这条消息。我已请同事来帮您,请稍等。"
    return "Sorry, I could not handle that message. I have asked a colleague to help you; please wait a moment."
