"""Rasa's REST channel over the ledger: the caller waits for the turn, and a repeated message gets the stored reply."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.ledger.ledger import Accepted, Delivery
from bot.ledger.signal import News
from bot.messages import InboundMessage, Json
from connectors.http import RateLimit, Refusal, bears_token, read_object
from connectors.ingest import Ingest
from connectors.receipts import Receipts
from connectors.rest.payloads import inbound, outbound

POLL_S = 1.0
"""How often to look for the turn when no news comes (another process may have decided it)."""


class RestChannel:
    """`POST /webhooks/rest/webhook`.

    Args:
        settings: the `rest:` section of credentials.yml.
            `token`: callers must bear it (`Authorization: Bearer …` or `?token=…`) and are then trusted to send
            commands (`/intent{"entity": "value"}`). `trusted: true`: every caller is (for development and tests).
            Without either, everything is taken as a shopper's words. `timeout_s`: longest wait for an answer (60).
            `rate_per_s`, `burst`: limit per caller's address; off by default, as callers are servers.
    """

    name = "rest"
    pulls = True

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        settings = settings or {}
        self._token = str(settings.get("token") or "")
        self._trusted = bool(settings.get("trusted", False))
        self._timeout_s = float(settings.get("timeout_s", 60))
        rate_per_s = float(settings.get("rate_per_s", 0))
        self._rate = RateLimit(rate_per_s, burst=int(settings.get("burst", 20))) if rate_per_s else None
        self._receipts = Receipts()
        self._ingest: Ingest | None = None

    def routes(self, ingest: Ingest) -> list[web.RouteDef]:
        self._ingest = ingest
        return [
            web.get(f"/webhooks/{self.name}/", self._health),
            web.post(f"/webhooks/{self.name}/webhook", self._receive),
        ]

    async def send(self, delivery: Delivery) -> str | None:
        """Never called: callers fetch."""
        raise NotImplementedError(f"{self.name} pulls; row {delivery.id} is fetched by its caller")

    async def start(self) -> None:
        self._receipts.start(self._open_ingest.outbox)

    async def close(self) -> None:
        await self._receipts.close(self._open_ingest.outbox)

    @property
    def _open_ingest(self) -> Ingest:
        assert self._ingest is not None, "routes() comes first"
        return self._ingest

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        trusted = self._admit(request)
        message = inbound(await read_object(request), channel=self.name, trusted=trusted)
        parts = [] if message is None else await self._answer(message)
        if request.query.get("stream", "").lower() == "true":
            return await _stream(request, parts)
        return web.Response(text=json.dumps(parts, separators=(",", ":")), content_type="application/json")

    def _admit(self, request: web.Request) -> bool:
        """Whether the caller may send commands. Raises Refusal for one who may send nothing."""
        if self._rate:
            self._rate.check(request.remote or "")
        if not self._token:
            return self._trusted
        if not bears_token(request, self._token):
            raise Refusal(
                401, "token", "This address needs the token of credentials.yml.", "需要 credentials.yml 中的令牌。"
            )
        return True

    async def _answer(self, message: InboundMessage) -> list[Json]:
        """Accept, wait for the turn, collect what the caller has not had yet.

        Raises:
            Refusal: 503 with Retry-After when the turn takes too long; the message is kept, and the same
                `message_id` fetches the answer later.
        """
        ingest = self._open_ingest
        with ingest.signal.listen(message.conversation_id) as news:
            accepted = await ingest.ledger.accept(message)
            rows = await self._decided(accepted, news)
        told = [*await self._unasked(message.conversation_id), *rows]
        self._receipts.add(row.id for row in told)
        told.sort(key=lambda row: row.seq)
        return [part for row in told for part in outbound(row.message, message.sender_id)]

    async def _decided(self, accepted: Accepted, news: asyncio.Queue[News]) -> list[Delivery]:
        outbox = self._open_ingest.outbox
        deadline = time.monotonic() + self._timeout_s
        look = not accepted.new
        while True:
            if look and (rows := await outbox.replies(accepted.inbox_id)) is not None:
                return rows
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                en = "The answer takes longer; the message is kept. Send it again with the same message_id."
                zh = "回复需要更长时间；消息已保存，请用相同的 message_id 重试。"
                raise Refusal(503, "later", en, zh, retry_after_s=2)
            try:
                item = await asyncio.wait_for(news.get(), min(POLL_S, left_s))
                look = item.kind == "committed" and item.inbox_id in (None, accepted.inbox_id)
            except TimeoutError:
                look = True

    async def _unasked(self, conversation_id: str) -> list[Delivery]:
        """What people at the desk said since the caller last asked."""
        rows = await self._open_ingest.outbox.pending(conversation_id)
        return [row for row in rows if row.inbox_id is None and row.id not in self._receipts]


async def _stream(request: web.Request, parts: list[Json]) -> web.StreamResponse:
    """As Rasa streams: one JSON object a line."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for part in parts:
        await response.write(json.dumps(part).encode() + b"\n")
    await response.write_eof()
    return response
