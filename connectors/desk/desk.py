"""The desk: where people answer shoppers who asked for a person. A Mount of connectors.server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.ledger.operator_store import OperatorStore
from bot.ledger.signal import Signal
from bot.ledger.store import Store
from bot.turn import Availability
from connectors.desk.guard import Guard
from connectors.desk.login import Login
from connectors.desk.opening import read_opening_hours

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
        self._hours = read_opening_hours(settings)
        self._operators = operators
        self._guard = Guard(operators)
        self._login = Login(operators, self._guard)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        yield web.get("/desk", self._page)
        yield web.get("/desk/login", _file(STATIC / "login.html"))
        for path in sorted(STATIC.iterdir()):
            if path.suffix in TYPES and path.suffix != ".html":
                yield web.get(f"/desk/{path.name}", _file(path))
        yield from self._login.routes()

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def availability(self) -> Availability:
        """Whether a shopper who asks for a person now will find one."""
        if not self._hours.is_open(datetime.now(UTC)):
            return "closed"
        return "present" if await self._operators.anyone_present() else "absent"

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
