"""One open desk page's WebSocket: the queue and one conversation, live.

Four tasks share it: reading frames, pushing the queue, following the open conversation, and keeping the operator
present. The first that ends, ends the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.errors import LedgerError
from bot.ledger.operator_store import OperatorStore, Session
from bot.ledger.signal import Signal
from bot.messages import Json
from connectors.desk.attendance import ALIVE_S, Attendance
from connectors.desk.board import Board
from connectors.desk.view import View
from connectors.http import RateLimit, Refusal, first_of, parse_object, refusal_of

SEND_S = 15.0
"""How long a slow page may take for one frame; then it is cut, and comes back for the rest."""
CHECK_S = 5.0
"""How often to see that the session still holds: somebody who is disabled is out within this time."""
LOOK_S = 5.0
"""How often to look at the open conversation without news."""
OPEN_LOOK_S = 1.0
"""The same while a line is on its way."""
CLOSE_SESSION = 4401
"""Close code: the session has ended; log in again."""

ViewOf = Callable[[str, int], View]


class Connection:
    """Serves one socket until either side closes it.

    Args:
        socket: prepared.
        session: whose it is.
        operators: knows whether the session still holds.
        board: the queue.
        attendance: is kept told that the page is open.
        signal: news of the open conversation.
        view_of: makes the View of a conversation that the page has lines of up to a seq.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        session: Session,
        *,
        operators: OperatorStore,
        board: Board,
        attendance: Attendance,
        signal: Signal,
        view_of: ViewOf,
    ) -> None:
        self._socket = socket
        self._session = session
        self._operators = operators
        self._board = board
        self._attendance = attendance
        self._signal = signal
        self._view_of = view_of
        self._frames = RateLimit(20, burst=60)
        self._queue_frame = ""
        self._queue_news = asyncio.Event()
        self._wanted: tuple[str, int] | None = None
        self._wanted_news = asyncio.Event()

    async def run(self) -> None:
        """Push and read until the end; the operator is present for as long."""
        name = self._session.operator.name
        try:
            await self._attendance.came(name)
            await self._board.add(self._take_queue)
            await first_of(self._read(), self._push_queue(), self._follow(), self._stay())
        except LedgerError as error:
            await self._refuse(refusal_of(error))
            await self._socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
        finally:
            self._board.discard(self._take_queue)
            with contextlib.suppress(LedgerError):
                await self._attendance.went(name)

    # Out

    def _take_queue(self, frame: str) -> None:
        self._queue_frame = frame
        self._queue_news.set()

    async def _push_queue(self) -> None:
        """Only the newest queue matters, so a slow page skips what it was too slow for."""
        while True:
            await self._queue_news.wait()
            self._queue_news.clear()
            await self._send_text(self._queue_frame)

    async def _follow(self) -> None:
        """Follow the conversation that the page asked for last."""
        while True:
            await self._wanted_news.wait()
            self._wanted_news.clear()
            if self._wanted is not None:
                await first_of(self._tell(*self._wanted), self._wanted_news.wait())

    async def _tell(self, conversation_id: str, after: int) -> None:
        view = self._view_of(conversation_id, after)
        with self._signal.listen(conversation_id) as queue:
            while True:
                for frame in await view.frames():
                    await self._send(frame)
                await self._await_news(conversation_id, queue, OPEN_LOOK_S if view.waits else LOOK_S)

    async def _await_news(self, conversation_id: str, queue: asyncio.Queue[Any], patience_s: float) -> None:
        """Pass typing on; return when there may be something to read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while (news := await queue.get()).kind == "typing":
                    if isinstance(news.data, dict) and news.data.get("who") == "shopper":
                        on = news.data.get("on") is not False
                        await self._send({"type": "typing", "conversation": conversation_id, "on": on})

    async def _stay(self) -> None:
        """Keep the operator present, until the session ends."""
        name, told, asleep_s = self._session.operator.name, self._session.operator.state, 0.0
        while True:
            await asyncio.sleep(CHECK_S)
            session = await self._operators.session(self._session.token)
            if session is None:
                await self._refuse(Refusal(401, "login", "Please log in again.", "请重新登录。"))
                await self._socket.close(code=CLOSE_SESSION)
                return
            if session.operator.state != told:
                told = session.operator.state
                await self._send({"type": "presence", "state": told})
            asleep_s += CHECK_S
            if asleep_s >= ALIVE_S:
                asleep_s = 0.0
                await self._attendance.alive(name)

    async def _send(self, frame: Json) -> None:
        await self._send_text(json.dumps(frame))  # in ASCII: half a surrogate in a text can't break it

    async def _send_text(self, text: str) -> None:
        await asyncio.wait_for(self._socket.send_str(text), SEND_S)

    async def _refuse(self, refusal: Refusal) -> None:
        await self._send({"type": "error", "code": refusal.code, "text": {"en": refusal.en, "zh": refusal.zh}})

    # In

    async def _read(self) -> None:
        async for message in self._socket:
            try:
                self._frames.check("")
                frame = _frame(message.type, message.data)
                self._take(frame)
            except Refusal as refusal:
                await self._refuse(refusal)
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION)
                return
            if frame.get("type") == "ping":
                await self._send({"type": "pong"})

    def _take(self, frame: Json) -> None:
        match frame.get("type"):
            case "open":
                conversation_id, after = frame.get("conversation"), frame.get("after", 0)
                if not isinstance(conversation_id, str) or type(after) is not int or not 0 <= after < 2**53:
                    raise Refusal(400, "bad_frame", "Open which conversation?", "打开哪个会话？")
                self._wanted = (conversation_id, after)
                self._wanted_news.set()
            case "close":
                self._wanted = None
                self._wanted_news.set()
            case "ping":  # so that a page can tell a dead connection from a quiet one
                pass
            case _:
                raise Refusal(400, "bad_frame", "Unknown type of frame.", "未知的消息类型。")


def _frame(kind: WSMsgType, data: Any) -> Json:
    if kind is not WSMsgType.TEXT:
        raise Refusal(400, "bad_frame", "Frames are JSON text.", "消息必须是 JSON 文本。")
    return parse_object(data)
