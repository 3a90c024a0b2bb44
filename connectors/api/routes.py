"""Rasa's HTTP API, served with `--enable-api`: version, status, domain, trackers, parsing.

It shows every conversation, so it is open only to this machine, or to who bears the token of `--auth-token`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from aiohttp import web

from bot.agent import Agent
from bot.ledger.ledger import Ledger
from bot.messages import MAX_TEXT_CHARS
from connectors.http import Refusal, bears_token, is_loopback, read_object

SPEAKS = "3.6.21"
"""The version of Rasa whose API this is; clients compare it."""

Scope = Literal["NONE", "APPLIED", "AFTER_RESTART", "ALL"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(slots=True)
class Serving:
    """The agent once it is loaded, and the file it came from."""

    agent: Agent | None = None
    model_file: str = ""


class Api:
    """A Mount with Rasa's reading routes."""

    def __init__(self, ledger: Ledger, serving: Serving, *, token: str | None = None) -> None:
        self._ledger = ledger
        self._serving = serving
        self._token = token

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/version", self._version),
            web.get("/status", self._status),
            web.get("/domain", self._domain),
            web.get("/conversations/{id}/tracker", self._tracker),
            web.post("/model/parse", self._parse),
        ]

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def _admit(self, request: web.Request) -> Agent:
        """The agent, for a caller who may use the API.

        Raises:
            Refusal: 401 without the token, 403 from another machine when there is none, 503 while loading.
        """
        if self._token is None and not is_loopback(request):
            raise Refusal(403, "no_token", "Start the server with --auth-token to use the API from elsewhere.",
                          "如需从其他机器访问 API，请用 --auth-token 启动服务器。")  # fmt: skip
        if self._token is not None and not bears_token(request, self._token):
            raise Refusal(401, "token", "The API asks for its token.", "API 需要令牌。")
        if self._serving.agent is None:
            raise Refusal(503, "loading", "The model is still loading.", "模型正在加载。", retry_after_s=1)
        return self._serving.agent

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": SPEAKS, "minimum_compatible_version": SPEAKS})

    async def _status(self, request: web.Request) -> web.Response:
        agent = self._admit(request)
        facts = {"model_file": self._serving.model_file, "model_id": agent.model_id, "num_active_training_jobs": 0}
        return web.json_response(facts)

    async def _domain(self, request: web.Request) -> web.Response:
        return web.json_response(self._admit(request).domain.raw)

    async def _tracker(self, request: web.Request) -> web.Response:
        """Rasa's tracker JSON. An id without a channel (`anna`) is the REST channel's."""
        agent = self._admit(request)
        asked = request.query.get("include_events", "AFTER_RESTART")
        scope = next((each for each in SCOPES if each == asked), None)
        if scope is None:
            text = f"Invalid parameter value for 'include_events'. Should be one of {', '.join(SCOPES)}"
            raise Refusal(400, "include_events", text, f"include_events 只能是 {', '.join(SCOPES)} 之一。")
        given = request.match_info["id"]
        conversation_id = given if ":" in given else f"rest:{given}"
        events = await self._ledger.events(conversation_id)
        tracker = agent.tracker(conversation_id.partition(":")[2], events)
        return web.json_response(tracker.to_json(scope))

    async def _parse(self, request: web.Request) -> web.Response:
        agent = self._admit(request)
        text: Any = (await read_object(request)).get("text")
        if not isinstance(text, str) or len(text) > MAX_TEXT_CHARS:
            raise Refusal(400, "text", f"Send {{\"text\": \"...\"}} with at most {MAX_TEXT_CHARS} characters.",
                          f"请发送 {{\"text\": \"...\"}}，最多 {MAX_TEXT_CHARS} 个字符。")  # fmt: skip
        return web.json_response((await agent.parse(text)).to_json())
