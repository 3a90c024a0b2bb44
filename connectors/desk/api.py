"""The desk's JSON API: what an operator may look at and do. Live news come by the socket."""

from __future__ import annotations

import contextlib
import re
import secrets
from typing import Any

from aiohttp import web

from bot.ledger.ledger import ConversationRow
from bot.ledger.operator_store import Operator, OperatorStore, Session
from bot.ledger.signal import News, Signal
from bot.ledger.store import Store
from bot.messages import MAX_TEXT_CHARS, Json, OutboundMessage
from connectors.desk.attendance import Attendance
from connectors.desk.board import Board
from connectors.desk.guard import Guard
from connectors.desk.notice import JOINED, LEFT, notice, shopper_language
from connectors.desk.payloads import conversation_json, line_json, me_json
from connectors.http import Refusal

PAGE_LINES = 200

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Api:
    """Routes below `/desk/api/`.

    Args:
        store: conversations.
        operators: for the audit.
        guard: lets in only operators.
        board: the queue.
        attendance: presence.
        signal: typing goes out by it.
    """

    def __init__(
        self,
        store: Store,
        operators: OperatorStore,
        guard: Guard,
        *,
        board: Board,
        attendance: Attendance,
        signal: Signal,
    ) -> None:
        self._desk = store.desk
        self._outbox = store.outbox
        self._operators = operators
        self._guard = guard
        self._board = board
        self._attendance = attendance
        self._signal = signal

    def routes(self) -> list[web.RouteDef]:
        read = {
            "me": self._me,
            "queue": self._queue,
            "conversation": self._conversation,
            "transcript": self._transcript,
        }
        change = {
            "claim": self._claim,
            "say": self._say,
            "typing": self._typing,
            "hand-back": self._hand_back,
            "resolve": self._resolve,
            "presence": self._presence,
        }
        return [
            *(web.get(f"/desk/api/{name}", self._guard.reading(fn)) for name, fn in read.items()),
            *(web.post(f"/desk/api/{name}", self._guard.changing(fn)) for name, fn in change.items()),
        ]

    # Looking

    async def _me(self, _: web.Request, session: Session) -> Json:
        return {**me_json(session), "availability": await self._attendance.availability()}

    async def _queue(self, _: web.Request, __: Session) -> Json:
        return {"conversations": await self._board.conversations()}

    async def _conversation(self, request: web.Request, _: Session) -> Json:
        return await self._shown(await self._row(request.query.get("id")))

    async def _transcript(self, request: web.Request, _: Session) -> Json:
        """At most PAGE_LINES lines after `after` or before `before`; without either the last ones."""
        row = await self._row(request.query.get("id"))
        if "after" in request.query:
            after = _number(request.query["after"])
        else:
            after = max(0, _number(request.query.get("before", str(row.last_seq + 1))) - 1 - PAGE_LINES)
        lines = await self._outbox.transcript(row.id, after=after, limit=PAGE_LINES)
        before = _number(request.query["before"]) if "before" in request.query else row.last_seq + PAGE_LINES
        return {"conversation": row.id, "lines": [line_json(line) for line in lines if line.seq < before]}

    # Doing

    async def _claim(self, session: Session, body: Json) -> Json:
        """Make the conversation mine; claiming what is mine already changes nothing."""
        me, row = session.operator, await self._row(body.get("conversation"))
        if not await self._desk.claim_conversation(row.id, me.name):
            raise await self._taken(row.id)
        if (row.status, row.operator) != ("human", me.name):
            await self._announce(row, me.name, notice(JOINED, me.display_name, await self._language(row)))
            await self._operators.audit(me.name, "claim", row.id)
        return await self._shown(await self._row(row.id))

    async def _say(self, session: Session, body: Json) -> Json:
        me, conversation_id = session.operator, _conversation_id(body)
        key, text = body.get("id"), body.get("text")
        if not isinstance(key, str) or not _ID.fullmatch(key):
            raise Refusal(400, "bad_id", "A message needs an id of 8 to 64 letters and digits.", "消息缺少有效的 id。")
        text = text.strip() if isinstance(text, str) else ""
        if not 0 < len(text) <= MAX_TEXT_CHARS:
            en = f"A message has between 1 and {MAX_TEXT_CHARS} characters."
            raise Refusal(400, "bad_text", en, f"消息长度须在 1 到 {MAX_TEXT_CHARS} 个字符之间。")
        message = OutboundMessage(text=text, origin="operator", author=me.display_name)
        try:
            return {"seq": await self._desk.say(conversation_id, me.name, message, key=f"{me.name}:{key}")}
        except PermissionError:
            raise await self._not_mine(await self._row(conversation_id)) from None

    async def _typing(self, session: Session, body: Json) -> Json:
        row, me = await self._row(body.get("conversation")), session.operator
        if (row.status, row.operator) != ("human", me.name):
            raise await self._not_mine(row)
        data = {"who": "operator", "author": me.display_name, "on": body.get("on") is not False}
        self._signal.publish(News("typing", row.id, data=data))
        return {}

    async def _hand_back(self, session: Session, body: Json) -> Json:
        row = await self._row(body.get("conversation"))
        owner = await self._owner(row, session.operator)
        await self._announce(row, owner, await self._farewell(row, owner))
        try:
            await self._desk.hand_back(row.id, owner)
        except PermissionError:
            raise await self._not_mine(await self._row(row.id)) from None
        await self._operators.audit(session.operator.name, "hand back", row.id)
        return await self._shown(await self._row(row.id))

    async def _resolve(self, session: Session, body: Json) -> Json:
        row = await self._row(body.get("conversation"))
        owner = session.operator.name
        if row.status != "queued":
            owner = await self._owner(row, session.operator)
            await self._announce(row, owner, await self._farewell(row, owner))
        try:
            await self._desk.resolve(row.id, owner)
        except PermissionError:
            raise await self._not_mine(await self._row(row.id)) from None
        await self._operators.audit(session.operator.name, "resolve", row.id)
        return await self._shown(await self._row(row.id))

    async def _presence(self, session: Session, body: Json) -> Json:
        state = body.get("state")
        if state not in ("online", "away"):
            raise Refusal(400, "bad_state", "The state is 'online' or 'away'.", "状态只能是 online 或 away。")
        await self._attendance.set_state(session.operator.name, state)
        return {"state": state, "availability": await self._attendance.availability()}

    # What they share

    async def _row(self, conversation_id: Any) -> ConversationRow:
        row = await self._desk.conversation(conversation_id) if _is_id(conversation_id) else None
        if row is None:
            raise Refusal(404, "no_conversation", "There is no such conversation.", "没有这个会话。")
        return row

    async def _shown(self, row: ConversationRow) -> Json:
        return conversation_json(row, await self._board.names())

    async def _owner(self, row: ConversationRow, me: Operator) -> str:
        """In whose name this operator may end the conversation: their own; an admin also for others."""
        if row.status == "human" and row.operator and (row.operator == me.name or me.role == "admin"):
            return row.operator
        raise await self._not_mine(row)

    async def _language(self, row: ConversationRow) -> str:
        return await shopper_language(row, self._outbox)

    async def _farewell(self, row: ConversationRow, owner: str) -> OutboundMessage:
        names = await self._board.names()
        return notice(LEFT, names.get(owner, owner), await self._language(row))

    async def _announce(self, row: ConversationRow, owner: str, message: OutboundMessage) -> None:
        """A line of the desk's own; left out when the conversation changed hands this very moment."""
        with contextlib.suppress(PermissionError):
            await self._desk.say(row.id, owner, message, key=f"notice:{secrets.token_hex(8)}")

    async def _taken(self, conversation_id: str) -> Refusal:
        name = await self._owner_name(await self._row(conversation_id))
        if name is None:
            return Refusal(409, "changed", "It has just changed; please try again.", "会话刚刚有变化，请重试。")
        return Refusal(409, "taken", f"{name} has this conversation already.", f"该会话已由 {name} 接手。")

    async def _not_mine(self, row: ConversationRow) -> Refusal:
        name = await self._owner_name(row)
        if name is None:
            return Refusal(403, "not_claimed", "Claim the conversation first.", "请先接手该会话。")
        return Refusal(403, "not_yours", f"{name} has this conversation.", f"该会话由 {name} 负责。")

    async def _owner_name(self, row: ConversationRow) -> str | None:
        return (await self._board.names()).get(row.operator, row.operator) if row.operator else None


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 600 and "\0" not in value


def _conversation_id(body: Json) -> str:
    value = body.get("conversation")
    if not isinstance(value, str) or not _is_id(value):
        raise Refusal(404, "no_conversation", "There is no such conversation.", "没有这个会话。")
    return value


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise Refusal(400, "bad_number", "A place in the transcript is a number.", "位置必须是数字。")
    return int(text)
