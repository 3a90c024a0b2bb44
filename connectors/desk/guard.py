"""Who may call the desk: session cookie, origin, CSRF token; every route of the desk goes through here."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.ledger.operator_store import SESSION_TTL_S, OperatorStore, Session
from bot.messages import Json
from connectors.http import Handler, Refusal, check_origin, read_object

COOKIE = "shoptalk_desk"
CSRF_HEADER = "X-CSRF-Token"

Read = Callable[[web.Request, Session], Awaitable[Json]]
Change = Callable[[Session, Json], Awaitable[Json]]


class Guard:
    """Turns a function of a session into a route that only an operator's own page can call."""

    def __init__(self, operators: OperatorStore) -> None:
        self._operators = operators

    async def session(self, request: web.Request) -> Session | None:
        """The live session of the request's cookie."""
        token = request.cookies.get(COOKIE)
        return await self._operators.session(token) if token else None

    async def enter(self, request: web.Request) -> Session:
        """The session, or a refusal with 401."""
        session = await self.session(request)
        if session is None:
            raise Refusal(401, "login", "Please log in.", "请先登录。")
        return session

    def reading(self, read: Read) -> Handler:
        """A GET route."""

        async def answer(request: web.Request) -> web.StreamResponse:
            check_site(request)
            return web.json_response(await read(request, await self.enter(request)))

        return answer

    def changing(self, change: Change) -> Handler:
        """A POST route with a JSON body: own origin, session, CSRF token, in this order."""

        async def answer(request: web.Request) -> web.StreamResponse:
            check_site(request)
            session = await self.enter(request)
            check_csrf(request, session)
            return web.json_response(await change(session, await read_object(request)))

        return answer


def check_site(request: web.Request) -> None:
    """Refuse calls that a page of another site makes; raises Refusal 403."""
    check_origin(request)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refusal(403, "origin", "Calls from this site are not allowed.", "不允许来自该网站的请求。")


def check_csrf(request: web.Request, session: Session) -> None:
    """Refuse a change whose page does not know the session's token; raises Refusal 403."""
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(errors="replace"), session.csrf.encode()):
        raise Refusal(403, "csrf", "This page is out of date; please reload it.", "页面已过期，请刷新。")


def set_cookie(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Give the browser its session; only over TLS where the site is served so, here or by a proxy before us."""
    secure = "https" in (request.scheme, request.headers.get("X-Forwarded-Proto", "").lower())
    response.set_cookie(
        COOKIE, token, max_age=int(SESSION_TTL_S), path="/desk", httponly=True, samesite="Strict", secure=secure
    )


def forget_cookie(response: web.StreamResponse) -> None:
    response.del_cookie(COOKIE, path="/desk")
