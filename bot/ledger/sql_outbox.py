"""Outbox in SQL: what is to be sent, what was answered, and the transcript of both sides."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ledger.database import Connection, Database, Row, marks
from bot.ledger.ledger import Delivery, Line
from bot.ledger.rows import DELIVERY_COLUMNS, delivery_of, dump, inbound_of, load
from bot.messages import OutboundMessage

LEASE_S = 60.0
"""How long a row that `due` gave out is kept from other deliverers, and so how long it waits if its one dies."""

_DUE = """UPDATE outbox SET not_before = {{now}} + ? WHERE id IN (
    SELECT o.id FROM outbox AS o WHERE o.status = 'due' AND o.channel IN ({channels})
    AND o.not_before <= {{now}} AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.status = 'due'
    AND earlier.channel = o.channel AND earlier.conversation_id = o.conversation_id AND earlier.seq < o.seq)
    ORDER BY o.id LIMIT ? {{skip_locked}}) RETURNING {columns}"""

_LINES = """SELECT seq, 'in', created_at, status, body FROM inbox
    WHERE conversation_id = ? AND seq > ? AND kind = 'text'
    UNION ALL SELECT seq, 'out', created_at, status, body FROM outbox WHERE conversation_id = ? AND seq > ?
    ORDER BY seq LIMIT ?"""

_INBOX_STATE = {"ready": "pending", "done": "done", "dead": "dead"}


class SqlOutbox:
    """Outbox over a Database. `lease_s` is how long `due` lends a row: longer than the longest send."""

    def __init__(self, database: Database, *, lease_s: float = LEASE_S) -> None:
        self._database = database
        self._lease_s = lease_s

    async def due(self, channels: Sequence[str], *, limit: int) -> list[Delivery]:
        if not channels:
            return []
        sql = _DUE.format(columns=DELIVERY_COLUMNS, channels=marks(len(channels)))
        rows = await self._database.write(
            lambda connection: connection.rows(sql, self._lease_s, *channels, limit), durable=False
        )
        return sorted((delivery_of(row) for row in rows), key=lambda delivery: delivery.id)

    async def delivered(self, ids: Sequence[int], *, provider_id: str | None = None) -> None:
        if not ids:
            return
        sql = f"UPDATE outbox SET status = 'sent', provider_id = ? WHERE id IN ({marks(len(ids))})"  # noqa: S608
        await self._database.write(lambda connection: connection.run(sql, provider_id, *ids))

    async def postponed(self, delivery: Delivery, reason: str, *, retry_after_s: float | None) -> None:
        status, wait_s = ("failed", 0.0) if retry_after_s is None else ("due", retry_after_s)
        sql = """UPDATE outbox SET status = ?, attempts = attempts + 1, not_before = {now} + ?, reason = ?
            WHERE id = ? AND status = 'due'"""
        await self._database.write(
            lambda connection: connection.run(sql, status, wait_s, dump(reason[:500]), delivery.id)
        )

    async def replies(self, inbox_id: int) -> list[Delivery] | None:
        def run(connection: Connection) -> Sequence[Row] | None:
            row = connection.row("SELECT status FROM inbox WHERE id = ?", inbox_id)
            if row is None or row[0] == "ready":
                return None
            sql = f"SELECT {DELIVERY_COLUMNS} FROM outbox WHERE inbox_id = ? ORDER BY seq"  # noqa: S608
            return connection.rows(sql, inbox_id)

        rows = await self._database.read(run)
        return None if rows is None else [delivery_of(row) for row in rows]

    async def pending(self, conversation_id: str) -> list[Delivery]:
        sql = f"SELECT {DELIVERY_COLUMNS} FROM outbox WHERE conversation_id = ? AND status = 'due' ORDER BY seq"  # noqa: S608
        rows = await self._database.read(lambda connection: connection.rows(sql, conversation_id))
        return [delivery_of(row) for row in rows]

    async def transcript(self, conversation_id: str, *, after: int = 0, limit: int = 500) -> list[Line]:
        """See Outbox.transcript. A hand-back is nobody's words, so it is no line, but it has used up a seq."""
        rows = await self._database.read(
            lambda connection: connection.rows(_LINES, conversation_id, after, conversation_id, after, limit)
        )
        return [_line(row) for row in rows]


def _line(row: Row) -> Line:
    seq, side, at, status, body = row
    if side == "out":
        reply = OutboundMessage.from_json(load(body))
        return Line(seq, reply.origin, at, status, reply)
    return Line(seq, "shopper", at, _INBOX_STATE[status], inbound_of(body))
