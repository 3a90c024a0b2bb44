"""Logging in: by password, or by a one-time link with which a password is chosen. Only POST uses anything up."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aiohttp import web

from bot.ledger.operator_store import OperatorStore
from bot.messages import Json
from connectors.desk.guard import Guard, check_csrf, check_site, forget_cookie, set_cookie
from connectors.desk.password import Passwords, check_rules
from connectors.http import RateLimit, Refusal, read_object

FAILURES = 10
"""Wrong passwords for one name from one address within the store's window; then even the right one is refused."""
WINDOW_S = 15 * 60


class Login:
    """`POST /desk/api/login | link | password | logout`."""

    def __init__(self, operators: OperatorStore, guard: Guard) -> None:
        self._operators = operators
        self._guard = guard
        self._passwords = Passwords()
        self._tries = RateLimit(1.0, burst=40)
        self._trying: Counter[str] = Counter()
        """Tries that are being checked, which count as failures of the others: many at once gain nothing."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/desk/api/login", self._login),
            web.post("/desk/api/link", self._link),
            web.post("/desk/api/password", self._password),
            web.post("/desk/api/logout", self._logout),
        ]

    async def _login(self, request: web.Request) -> web.Response:
        body = await self._read(request)
        name, password = _text(body.get("name")).strip().lower(), _text(body.get("password"))
        await self._check(name, password, key=f"{name}|{request.remote}")
        return await self._enter(request, name, "login")

    async def _check(self, name: str, password: str, *, key: str) -> None:
        self._trying[key] += 1
        try:
            if await self._operators.failures(key) + self._trying[key] > FAILURES:
                en = "Too many wrong passwords. Try again in a quarter of an hour, or ask for a new login link."
                zh = "密码错误次数过多。请 15 分钟后再试，或索取新的登录链接。"
                raise Refusal(429, "locked", en, zh, retry_after_s=WINDOW_S)
            if not await self._passwords.fits(password, await self._operators.password_hash(name)):
                await self._operators.failed(key)
                raise Refusal(401, "wrong", "The name or the password is wrong.", "用户名或密码错误。")
        finally:
            self._trying[key] -= 1
            if not self._trying[key]:
                del self._trying[key]

    async def _link(self, request: web.Request) -> web.Response:
        """Whose link it is, so that the page can greet; the link stays valid."""
        operator = await self._operators.link_owner(_text((await self._read(request)).get("link")))
        if operator is None:
            raise _void()
        return web.json_response({"name": operator.name, "display_name": operator.display_name})

    async def _password(self, request: web.Request) -> web.Response:
        """Use the link up: choose the password, and the name that shoppers see, and log in."""
        body = await self._read(request)
        link = _text(body.get("link"))
        owner = await self._operators.link_owner(link)
        if owner is None:
            raise _void()
        hashed = await self._passwords.hash(check_rules(body.get("password"), owner.name))
        shown = _text(body.get("display_name"))
        if await self._operators.use_link(link, hashed, display_name=shown) is None:
            raise _void()
        return await self._enter(request, owner.name, "password set")

    async def _logout(self, request: web.Request) -> web.Response:
        check_site(request)
        session = await self._guard.enter(request)
        check_csrf(request, session)
        await self._operators.end_session(session.token)
        await self._operators.audit(session.operator.name, "logout")
        answer = web.json_response({})
        forget_cookie(answer)
        return answer

    async def _read(self, request: web.Request) -> Json:
        check_site(request)
        self._tries.check(request.remote or "")
        return await read_object(request, limit_bytes=4096)

    async def _enter(self, request: web.Request, name: str, what: str) -> web.Response:
        session = await self._operators.start_session(name)
        await self._operators.audit(name, what)
        answer = web.json_response({"csrf": session.csrf, "name": name})
        set_cookie(request, answer, session.token)
        return answer


def _text(value: Any) -> str:
    """A field of the body; longer ones are cut, as nothing that long can be right."""
    return value[:300] if isinstance(value, str) else ""


def _void() -> Refusal:
    en = "This link has been used or is too old. Ask whoever runs the server for a new one."
    return Refusal(410, "link_void", en, "该链接已使用或已过期，请向管理员索取新链接。")
