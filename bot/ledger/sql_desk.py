"""DeskLedger in SQL: who answers a conversation.

Every change raises the fence and ends the lease: a turn of the bot in progress is thrown away at its commit, and its
message is handled again at once, under the new status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.events import AgentUttered
from bot.ledger.database import Connection, Database, Row, marks
from bot.ledger.ledger import ConversationRow
from bot.ledger.rows import add_events, add_outbox, clock, inbound_of, insert_inbox, load
from bot.ledger.signal import News, Signal
from bot.messages import InboundMessage, OutboundMessage, Status

_COLUMNS = """c.id, c.channel, c.sender_id, c.status, c.operator, c.created_at, c.updated_at, c.queued_at,
    c.next_seq - 1, (SELECT i.body FROM inbox AS i WHERE i.conversation_id = c.id
    AND i.kind = 'text' ORDER BY i.seq DESC LIMIT 1)"""

_ORDER = """ORDER BY CASE WHEN c.status = 'queued' THEN 0 ELSE 1 END,
    CASE WHEN c.status = 'queued' THEN c.queued_at END, c.updated_at DESC LIMIT ?"""

_TAKE = """UPDATE conversation SET status = ?, operator = ?, fence = fence + 1, lease_until = 0, queued_at = NULL,
    updated_at = {now} WHERE id = ?"""

_MINE = """UPDATE conversation SET fence = fence + 1, lease_until = 0, updated_at = {now}, next_seq = next_seq + 1,
    next_event = next_event + ? WHERE id = ? AND status = 'human' AND operator = ?
    RETURNING next_seq - 1, next_event - 1, channel, sender_id"""

_SLOT_EVENTS = """SELECT body FROM event WHERE conversation_id = ? AND type IN ('slot', 'reset_slots', 'restart')
    ORDER BY number"""

PREVIEW_CHARS = 120


class SqlDeskLedger:
    """DeskLedger over a Database."""

    def __init__(self, database: Database, signal: Signal) -> None:
        self._database = database
        self._signal = signal

    async def conversations(self, statuses: Sequence[Status], *, limit: int = 100) -> list[ConversationRow]:
        """See DeskLedger.conversations. Slots are left out; `conversation` has them."""
        if not statuses:
            return []
        sql = f"SELECT {_COLUMNS} FROM conversation AS c WHERE c.status IN ({marks(len(statuses))}) {_ORDER}"  # noqa: S608
        rows = await self._database.read(lambda connection: connection.rows(sql, *statuses, limit))
        return [_conversation(row, {}) for row in rows]

    async def conversation(self, conversation_id: str) -> ConversationRow | None:
        def run(connection: Connection) -> ConversationRow | None:
            row = connection.row(f"SELECT {_COLUMNS} FROM conversation AS c WHERE c.id = ?", conversation_id)  # noqa: S608
            return None if row is None else _conversation(row, _slots(connection.rows(_SLOT_EVENTS, conversation_id)))

        return await self._database.read(run)

    async def claim_conversation(self, conversation_id: str, operator: str) -> bool:
        """See DeskLedger.claim_conversation; a resolved conversation can be taken up again too."""

        def run(connection: Connection) -> bool:
            sql = f"{_TAKE} AND (status <> 'human' OR operator = ?)"
            taken = connection.run(sql, "human", operator, conversation_id, operator) == 1
            if taken:
                _interrupt(connection, conversation_id)
            return taken

        claimed = await self._database.write(run)
        if claimed:
            self._signal.publish(News("status", conversation_id))
        return claimed

    async def say(self, conversation_id: str, operator: str, message: OutboundMessage, *, key: str) -> int:
        """See DeskLedger.say. A system notice makes no event, as nobody said it."""
        part = f"say:{key}"

        def run(connection: Connection) -> tuple[int, bool]:
            known = connection.row(
                "SELECT seq FROM outbox WHERE conversation_id = ? AND part = ?", conversation_id, part
            )
            if known:
                return int(known[0]), False
            return _say(connection, conversation_id, operator, message, part=part), True

        seq, new = await self._database.write(run)
        if new:
            self._signal.publish(News("said", conversation_id))
        return seq

    async def hand_back(self, conversation_id: str, operator: str) -> None:
        """See DeskLedger.hand_back.

        Raises:
            PermissionError: the conversation is not this operator's.
        """
        inbox_id = await self._database.write(lambda connection: _hand_back(connection, conversation_id, operator))
        self._signal.publish(News("status", conversation_id))
        self._signal.publish(News("accepted", conversation_id, inbox_id))

    async def resolve(self, conversation_id: str, operator: str) -> None:
        """See DeskLedger.resolve.

        Raises:
            PermissionError: another operator has the conversation, or nobody asked for one.
        """

        def run(connection: Connection) -> None:
            sql = f"{_TAKE} AND (status = 'queued' OR (status = 'human' AND operator = ?))"
            if connection.run(sql, "resolved", None, conversation_id, operator) != 1:
                raise _not_yours(conversation_id, operator)
            _interrupt(connection, conversation_id)

        await self._database.write(run)
        self._signal.publish(News("status", conversation_id))


def _conversation(row: Row, slots: dict[str, Any]) -> ConversationRow:
    identity, channel, sender_id, status, operator, created_at, updated_at, queued_at, last_seq, body = row
    preview = _preview(inbound_of(body)) if body else ""
    return ConversationRow(
        identity, channel, sender_id, status, operator, created_at, updated_at, queued_at, last_seq, preview, slots
    )


def _preview(message: InboundMessage) -> str:
    """What the shopper said, or the title of the button that was pressed."""
    return str(message.metadata.get("title") or message.text)[:PREVIEW_CHARS]


def _slots(rows: Sequence[Row]) -> dict[str, Any]:
    """What the slots hold that were ever set; undone turns are counted too, which only the tracker would know."""
    slots: dict[str, Any] = {}
    for (body,) in rows:
        event = load(body)
        if event["event"] == "slot":
            slots[event["name"]] = event["value"]
        else:
            slots.clear()
    return {name: value for name, value in slots.items() if value is not None}


def _not_yours(conversation_id: str, operator: str) -> PermissionError:
    return PermissionError(f"{conversation_id} is not with {operator}")


def _interrupt(connection: Connection, conversation_id: str) -> None:
    """A turn that an operator cut off is not the message's fault, so it is no death."""
    connection.run("UPDATE inbox SET deaths = 0 WHERE conversation_id = ? AND status = 'ready'", conversation_id)


def _say(connection: Connection, conversation_id: str, operator: str, message: OutboundMessage, *, part: str) -> int:
    spoken = message.origin == "operator"
    row = connection.row(_MINE, int(spoken), conversation_id, operator)
    if row is None:
        raise _not_yours(conversation_id, operator)
    seq, number, channel, sender_id = row
    _interrupt(connection, conversation_id)
    if spoken:
        data = {"operator": operator, "author": message.author}
        event = AgentUttered(text=message.text, timestamp=clock(connection), data=data)
        add_events(connection, conversation_id, number, [event])
    add_outbox(connection, conversation_id, [(part, seq, message)], channel=channel, recipient_id=sender_id)
    return int(seq)


def _hand_back(connection: Connection, conversation_id: str, operator: str) -> int:
    row = connection.row(_MINE, 0, conversation_id, operator)
    if row is None:
        raise _not_yours(conversation_id, operator)
    seq, _, channel, sender_id = row
    _interrupt(connection, conversation_id)
    sql = "UPDATE conversation SET status = 'bot', operator = NULL, ready = ready + 1 WHERE id = ?"
    connection.run(sql, conversation_id)
    message = InboundMessage(f"handback:{seq}", sender_id, channel, "", kind="handback")
    inbox_id = insert_inbox(connection, message, seq)
    assert inbox_id is not None, "a seq is given out once"
    return inbox_id
