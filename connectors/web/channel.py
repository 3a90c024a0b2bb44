"""The web channel: a session, a WebSocket, and the widget's files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, web

from bot.ledger.ledger import Delivery
from connectors.http import SOCKETS, RateLimit, Sockets, check_origin
from connectors.ingest import Ingest
from connectors.receipts import Receipts
from connectors.web.connection import Connection
from connectors.web.session import Signer, new_shopper_id

WIDGET = Path(__file__).parent / "widget"
FRAME_LIMIT_BYTES = 64 * 1024
HEARTBEAT_S = 25.0


class WebChannel:
    """`POST /webhooks/web/session`, `GET /webhooks/web/socket`, `GET /widget.js`.

    Args:
        settings: the `web:` section of credentials.yml.
            `origins`: other sites whose pages may embed the widget (`["https://shop.example"]`); our own always may.
            `session_days`: how long a shopper is recognised (30). `rate_per_s` (2), `burst` (12): messages of one
            shopper. `sessions_per_minute` (60): new sessions of one address.
    """

    name = "web"
    pulls = True

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        settings = settings or {}
        self._origins = tuple(str(origin) for origin in settings.get("origins") or ())
        self._lifetime_s = float(settings.get("session_days", 30)) * 86400
        self._rate_per_s = float(settings.get("rate_per_s", 2))
        self._burst = int(settings.get("burst", 12))
        self._rate = RateLimit(self._rate_per_s, burst=self._burst)
        per_minute = int(settings.get("sessions_per_minute", 60))
        self._sessions = RateLimit(per_minute / 60, burst=per_minute)
        self._receipts = Receipts()
        self._ingest: Ingest | None = None

    def routes(self, ingest: Ingest) -> list[web.RouteDef]:
        self._ingest = ingest
        self._signer = Signer(ingest.secret, self._lifetime_s)
        files = {path.name: path for path in WIDGET.glob("*.js")}
        return [
            web.get("/webhooks/web/", _health),
            web.post("/webhooks/web/session", self._session),
            web.get("/webhooks/web/socket", self._socket),
            web.get("/widget.js", _file(WIDGET / "loader.js")),
            *(web.get(f"/widget/{name}", _file(path)) for name, path in sorted(files.items())),
        ]

    async def send(self, delivery: Delivery) -> str | None:
        """Never called: sockets read the transcript."""
        raise NotImplementedError(f"web pulls; row {delivery.id} is read by its socket")

    async def start(self) -> None:
        assert self._ingest is not None, "routes() comes first"
        self._receipts.start(self._ingest.outbox)

    async def close(self) -> None:
        assert self._ingest is not None, "routes() comes first"
        await self._receipts.close(self._ingest.outbox)

    async def _session(self, request: web.Request) -> web.Response:
        """A new shopper. Nobody chooses an id, so nobody can take over another one's conversation."""
        origin = check_origin(request, self._origins)
        self._sessions.check(request.remote or "")
        now = time.time()
        token = self._signer.issue(new_shopper_id(), now=now)
        answer = web.json_response({"token": token, "expires_at": int(now + self._lifetime_s)})
        if origin:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Vary"] = "Origin"
            answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        check_origin(request, self._origins)
        assert self._ingest is not None, "routes() comes first"
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=FRAME_LIMIT_BYTES, compress=False, timeout=2.0
        )
        await socket.prepare(request)
        sockets: Sockets = request.app[SOCKETS]
        sockets.add(socket)
        connection = Connection(
            socket,
            self._ingest,
            signer=self._signer,
            receipts=self._receipts,
            rate=self._rate,
            frames=RateLimit(10 * self._rate_per_s, burst=5 * self._burst),
            cut=_cutter(request),
        )
        await connection.run()
        if not socket.closed:
            await socket.close(code=WSCloseCode.OK)
        return socket


def _cutter(request: web.Request) -> Callable[[], None]:
    def cut() -> None:
        if request.transport:
            request.transport.abort()

    return cut


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _file(path: Path) -> Any:
    """A file of the widget, open to pages of every site; browsers ask each time whether it has changed."""

    async def answer(_: web.Request) -> web.FileResponse:
        headers = {
            "Content-Type": "text/javascript; charset=utf-8",
            "Cache-Control": "no-cache",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return web.FileResponse(path, headers=headers)

    return answer
