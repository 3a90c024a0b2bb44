"""The demo shop's page: static files and the widget's script tag, as a merchant would write it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Storefront:
    """`GET /` and `GET /storefront/<file>`; a Mount of connectors.server."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        files = sorted(path for path in STATIC.iterdir() if path.suffix in TYPES)
        yield web.get("/", _file(STATIC / "index.html"))
        for path in files:
            yield web.get(f"/storefront/{path.name}", _file(path))

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def answer(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path, headers={"Content-Type": TYPES[path.suffix], "Cache-Control": "no-cache"})

    return answer
