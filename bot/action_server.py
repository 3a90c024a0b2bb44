"""The action server: a project's actions over Rasa's HTTP protocol, for `shoptalk run actions`.

Source: Rasa 3.x's action server page; the answers of rasa_sdk's own server.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.errors import ActionError, ActionRejected, ActionUnknown
from bot.execution.in_process_endpoint import InProcessEndpoint
from bot.messages import Json

MAX_BODY_BYTES = 10_000_000
DEFAULT_PORT = 5055
MISSING_DOMAIN = 449

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ENDPOINT = web.AppKey("endpoint", InProcessEndpoint)


class BodyError(Exception):
    """The body of a call can't be used. `status`: the HTTP answer."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        self.status = status
        super().__init__(text)


def create_app(endpoint: InProcessEndpoint, *, token: str | None = None) -> web.Application:
    """The application: POST /webhook, GET /actions, GET /health.

    Args:
        endpoint: runs the actions; closed with the application.
        token: if given, calls must carry it, as `Authorization: Bearer` or `?token=`.
    """
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_guard(token)] if token else [])
    app[_ENDPOINT] = endpoint
    app.router.add_post("/webhook", _webhook)
    app.router.add_get("/actions", _actions)
    app.router.add_get("/health", _health)
    app.on_cleanup.append(lambda app: app[_ENDPOINT].close())
    return app


def serve(
    project: Path | str,
    port: int = DEFAULT_PORT,
    *,
    package: str = "actions",
    host: str = "127.0.0.1",
    token: str | None = None,
) -> None:
    """Serve a project's actions until the process is told to end.

    Args:
        token: see create_app; by default the environment's ACTION_SERVER_TOKEN.

    Raises:
        ProjectError: the code can't be loaded; with file and line.
        OSError: the port is taken.
    """
    endpoint = InProcessEndpoint(package, project)
    names = asyncio.run(endpoint.names()) or ()
    app = create_app(endpoint, token=token or os.environ.get("ACTION_SERVER_TOKEN"))
    print(f"Action server with {len(names)} actions at http://{host}:{port}/webhook", flush=True)
    web.run_app(app, host=host, port=port, print=None)


def _guard(token: str) -> Any:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.query.get("token") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.path == "/health" or hmac.compare_digest(given.encode(), token.encode()):
            return await handler(request)
        return _refused("the token is missing or wrong", 401)

    return check


async def _webhook(request: web.Request) -> web.Response:
    try:
        call = await _call(request)
    except BodyError as error:
        return _refused(str(error), error.status)
    name = call.get("next_action")
    if not name:
        return web.json_response(None)
    if call.get("domain") is None:
        return _refused("the call has no domain; send it again with the domain", MISSING_DOMAIN, str(name))
    try:
        return web.json_response(await request.app[_ENDPOINT].run(call))
    except ActionError as error:
        status = 400 if isinstance(error, ActionRejected) else 404 if isinstance(error, ActionUnknown) else 500
        return _refused(str(error), status, error.action)


async def _actions(request: web.Request) -> web.Response:
    return web.json_response([{"name": name} for name in await request.app[_ENDPOINT].names() or ()])


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _call(request: web.Request) -> Json:
    """The call in the request's body.

    Raises:
        BodyError: too large, also after inflating; not JSON; no call.
    """
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BodyError(f"the body is longer than {MAX_BODY_BYTES} bytes", status=413) from None
    except (web.RequestPayloadError, zlib.error) as error:
        raise BodyError(f"the body can't be read: {error}") from error
    try:
        call = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"the body is no JSON: {error}") from error
    if not isinstance(call, dict):
        raise BodyError("the body is no action call: an object with next_action, tracker and domain")
    if call.get("next_action"):
        _check(call)
    return call


def _check(call: Json) -> None:
    """Raises BodyError where rasa_sdk could not make a tracker of the call."""
    tracker = call.get("tracker")
    if not isinstance(tracker, dict) or "sender_id" not in tracker:
        raise BodyError("the call has no tracker with a sender_id")
    for place, kind in (("slots", dict), ("latest_message", dict), ("events", list), ("active_loop", dict)):
        if not isinstance(tracker.get(place) or kind(), kind):
            raise BodyError(f"`tracker.{place}` must be {'an object' if kind is dict else 'a list'}")
    if not isinstance(call.get("domain") or {}, dict):
        raise BodyError("`domain` must be an object")


def _refused(error: str, status: int, action: str | None = None) -> web.Response:
    data = {"error": error} | ({"action_name": action} if action is not None else {})
    return web.json_response(data, status=status)
