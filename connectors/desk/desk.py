"""The desk: where people answer shoppers who asked for a person. A Mount of connectors.server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.ledger.operator_store import OperatorStore
from bot.ledger.signal import Signal
from bot.ledger.store import Store
from bot.turn import Availability
from connectors.desk.api import Api
from connectors.desk.attendance import Attendance
from connectors.desk.board import Board
from connectors.desk.connection import Connection
from connectors.desk.guard import Guard, check_site
from connectors.desk.login import Login
from connectors.desk.opening import read_opening_hours
from connectors.desk.view import View
from connectors.http import SOCKETS, Sockets

FRAME_LIMIT_BYTES = 8 * 1024
HEARTBEAT_S = 20.0
STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Desk:
    """Everything below `/desk`.

    Args:
        store: where conversations live.
        operators: who may log in.
        settings: the `desk:` section of endpoints.yml; see `read_opening_hours`.
        signal: news of conversations.

    Raises:
        ProjectError: a setting is wrong.
    """

    def __init__(self, store: Store, operators: OperatorStore, settings: Mapping[str, Any], *, signal: Signal) -> None:
        self._store = store
        self._operators = operators
        self._signal = signal
        self._guard = Guard(operators)
        self._login = Login(operators, self._guard)
        self._attendance = Attendance(operators, read_opening_hours(settings))
        self._board = Board(store.desk, operators, signal)
        self._api = Api(store, operators, self._guard, board=self._board, attendance=self._attendance, signal=signal)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        yield web.get("/desk", self._page)
        yield web.get("/desk/login", _file(STATIC / "login.html"))
        for path in sorted(STATIC.iterdir()):
            if path.suffix in TYPES and path.suffix != ".html":
                yield web.get(f"/desk/{path.name}", _file(path))
        yield web.get("/desk/socket", self._socket)
        yield from self._login.routes()
        yield from self._api.routes()

    async def start(self) -> None:
        self._board.start()

    async def close(self) -> None:
        await self._board.close()

    async def availability(self) -> Availability:
        """Whether a shopper who asks for a person now will find one."""
        return await self._attendance.availability()

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        check_site(request)
        session = await self._guard.enter(request)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=FRAME_LIMIT_BYTES, compress=False, timeout=2.0
        )
        await socket.prepare(request)
        sockets: Sockets = request.app[SOCKETS]
        sockets.add(socket)
        connection = Connection(
            socket,
            session,
            operators=self._operators,
            board=self._board,
            attendance=self._attendance,
            signal=self._signal,
            view_of=self._view_of,
        )
        try:
            await connection.run()
        except (TimeoutError, ConnectionError):
            if request.transport:
                request.transport.abort()  # a page that reads nothing would not answer a closing handshake
        if not socket.closed:
            await socket.close()
        return socket

    def _view_of(self, conversation_id: str, after: int) -> View:
        return View(self._store.desk, self._store.outbox, self._board, conversation_id=conversation_id, after=after)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if await self._guard.session(request) is None:
            raise web.HTTPSeeOther("/desk/login")
        return _answer(STATIC / "index.html")


def _file(path: Path) -> Any:
    async def answer(_: web.Request) -> web.FileResponse:
        return _answer(path)

    return answer


def _answer(path: Path) -> web.FileResponse:
    """A page is never kept; other files are asked for again each time. The login link must not leak as a referrer."""
    page = path.suffix == ".html"
    headers = {"Content-Type": TYPES[path.suffix], "Cache-Control": "no-store" if page else "no-cache"}
    return web.FileResponse(path, headers=headers | ({"Referrer-Policy": "no-referrer"} if page else {}))
