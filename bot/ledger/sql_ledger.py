"""Ledger in SQL: the inbox, leases with fences, and turns committed whole.

The lease also carries the back-off: a message that failed leaves its conversation leased until the next try, so the
messages behind it wait and order is kept. `attempts` is counted when a message is claimed, so a message that kills
the whole process is counted too. As such a death also counts against every other message that was in hand, the ones
that were tried SUSPECT_ATTEMPTS times are then handled one at a time: the guilty one is found, the others go on.
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

SUSPECT_ATTEMPTS: Final = 2
"""Tries without an end after which a message is handled apart from others like it."""

MAX_DEATHS: Final = SUSPECT_ATTEMPTS + MAX_ATTEMPTS
"""Tries after which a message is given up that never came to an end, whether good or bad."""

RETRY_AFTER_S: Final = 2.0
"""What LedgerFull tells the caller."""

_CLAIM = """UPDATE conversation SET fence = fence + 1, lease_until = {now} + ? WHERE id IN (
    SELECT id FROM conversation WHERE ready > 0 AND lease_until <= {now} ORDER BY lease_until LIMIT ? {skip_locked})
    RETURNING id, fence, status, next_event"""

_OLDEST = """SELECT id, body, attempts, created_at FROM inbox
    WHERE conversation_id = ? AND status = 'ready' ORDER BY seq LIMIT 1"""

_COMMIT = """UPDATE conversation SET fence = fence + 1, lease_until = {now}, ready = ready - 1, updated_at = {now},
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
        self._suspect: tuple[int, float] | None = None  # message in hand, and when its lease ends

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
        alone = self._suspect is None or self._suspect[1] < time.monotonic()
        claims, dead = await self._database.write(
            lambda connection: _claim(connection, limit, lease_s, alone), durable=False
        )
        for claim in claims:
            if claim.attempts > SUSPECT_ATTEMPTS:
                self._suspect = (claim.inbox_id, time.monotonic() + lease_s)
        for claim in dead:
            with suppress(FenceLost):  # an operator was quicker: the message goes round once more, and then ends here
                await self.fail(claim, "the process ended at every try", retry_after_s=None)
        failpoint("after_claim")
        return claims

    async def renew(self, claim: Claim, *, lease_s: float) -> None:
        def run(connection: Connection) -> None:
            sql = "UPDATE conversation SET lease_until = {now} + ? WHERE id = ? AND fence = ?"
            if connection.run(sql, lease_s, claim.conversation_id, claim.fence) != 1:
                raise _lost(claim)

        await self._database.write(run, durable=False)

    async def commit(self, claim: Claim, turn: Turn) -> None:
        failpoint("before_commit")
        self._clear(claim)
        changed = await self._database.write(lambda connection: self._commit(connection, claim, turn))
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
        if self._suspect is not None and self._suspect[0] == claim.inbox_id:
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
    connection: Connection, limit: int, lease_s: float, suspect_allowed: bool
) -> tuple[list[Claim], list[Claim]]:
    """Lease conversations; what is to be handled, and what has to be given up."""
    claims: list[Claim] = []
    dead: list[Claim] = []
    for conversation_id, fence, status, next_event in connection.rows(_CLAIM, lease_s, limit):
        row = connection.row(_OLDEST, conversation_id)
        if row is None:  # can't be; but one broken count must not stop every other conversation
            _LOG.error("conversation %s counted messages that are not there", conversation_id)
            connection.run("UPDATE conversation SET ready = 0 WHERE id = ?", conversation_id)
            continue
        inbox_id, body, attempts, created_at = row
        if SUSPECT_ATTEMPTS <= attempts < MAX_DEATHS:
            if not suspect_allowed:
                connection.run("UPDATE conversation SET lease_until = {now} WHERE id = ?", conversation_id)
                continue
            suspect_allowed = False
        connection.run("UPDATE inbox SET attempts = attempts + 1 WHERE id = ?", inbox_id)
        message = _stamped(inbound_of(body), created_at)
        claim = Claim(conversation_id, inbox_id, fence, message, status, attempts + 1, next_event - 1)
        (claims if attempts < MAX_DEATHS else dead).append(claim)
    return sorted(claims, key=lambda claim: claim.inbox_id), dead


def open_conversation(connection: Connection, message: InboundMessage) -> tuple[int, int]:
    """Count one more message in its conversation, which begins if it is new.

    Returns:
        The message's seq, and how many messages wait in the conversation with it.
    """
    conversation_id = message.conversation_id
    row = connection.row(
        "INSERT INTO conversation (id, channel, sender_id, bucket, next_seq, ready, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, 2, 1, {now}, {now}) ON CONFLICT (id) DO UPDATE SET "
        "next_seq = conversation.next_seq + 1, ready = conversation.ready + 1, updated_at = {now} "
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
    connection.run("UPDATE inbox SET reason = ? WHERE id = ?", dump(reason[:500]), claim.inbox_id)


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
