"""HTTP manners that every route shares: refusals as JSON, bounded bodies, origins, rates, security headers."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import re
import secrets
import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, web

from bot.errors import LedgerError, LedgerFull

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_LIMIT_BYTES = 64 * 1024
DEPTH_LIMIT = 32
Sockets: TypeAlias = "weakref.WeakSet[web.WebSocketResponse]"
SOCKETS: web.AppKey[Sockets] = web.AppKey("sockets", weakref.WeakSet)
"""Open WebSockets; each socket route adds its own."""
REQUEST_ID = web.RequestKey("request_id", str)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")


class Refusal(Exception):
    """A request that is answered with an error. The middleware turns it into JSON.

    Args:
        status: HTTP status, 400-503.
        code: short machine-readable name, such as `bad_json`.
        en: what is wrong, in English.
        zh: the same in Chinese.
        retry_after_s: when the caller may try again, if that helps.
    """

    def __init__(self, status: int, code: str, en: str, zh: str, *, retry_after_s: float | None = None) -> None:
        self.status = status
        self.code = code
        self.en = en
        self.zh = zh
        self.retry_after_s = retry_after_s
        super().__init__(en)

    def response(self) -> web.Response:
        """JSON with Rasa's three fields (description, status, message), our code and the Chinese text."""
        body = {
            "description": HTTPStatus(self.status).phrase,
            "status": self.status,
            "message": self.en,
            "message_zh": self.zh,
            "code": self.code,
        }
        answer = web.json_response(body, status=self.status)
        if self.retry_after_s is not None:
            answer.headers["Retry-After"] = str(max(1, round(self.retry_after_s)))
        return answer


def refusal_of(error: LedgerError) -> Refusal:
    """What a caller is told when the store can't take or show something now."""
    if isinstance(error, LedgerFull):
        return Refusal(
            429, "busy", "Too many messages are waiting.", "排队的消息太多。", retry_after_s=error.retry_after_s
        )
    return Refusal(503, "unavailable", "The store is not available now.", "系统暂时不可用。", retry_after_s=2)


@web.middleware
async def manners(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives the request an id and turns every error into a JSON answer; the outermost middleware."""
    request[REQUEST_ID] = secrets.token_hex(8)
    try:
        return await handler(request)
    except Refusal as error:
        return error.response()
    except LedgerError as error:
        log.warning("request %s: %s", request[REQUEST_ID], type(error).__name__)
        return refusal_of(error).response()
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        return _of_aiohttp(error)
    except Exception:
        log.exception("request %s to %s failed", request[REQUEST_ID], request.path)
        return Refusal(500, "internal", "Something went wrong on our side.", "服务器内部错误。").response()


def _of_aiohttp(error: web.HTTPException) -> web.Response:
    texts = {
        404: ("not_found", "There is nothing at this address.", "没有这个地址。"),
        405: ("method_not_allowed", "This address does not take that method.", "此地址不支持该方法。"),
        413: ("too_large", "The body is too large.", "请求内容过大。"),
    }
    code, en, zh = texts.get(error.status, ("bad_request", error.reason, error.reason))
    answer = Refusal(error.status, code, en, zh).response()
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on every answer; register with `app.on_response_prepare`. A route's own headers win."""
    headers = response.headers
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    page = headers.get("Content-Type", "").startswith("text/html")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if page else DATA_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    headers["Server"] = "shoptalk"


async def read_object(request: web.Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> dict[str, Any]:
    """The request's body as a JSON object that is safe to store.

    Raises:
        Refusal: 413 for a body over the limit; 400 for anything that is not an object, nests deeper than
            DEPTH_LIMIT, or holds NUL characters or lone surrogates (which databases and UTF-8 refuse).
    """
    if request.content_length is not None and request.content_length > limit_bytes:
        raise _too_large(limit_bytes)
    body = b""
    try:
        while len(body) <= limit_bytes and (more := await request.content.read(limit_bytes + 1 - len(body))):
            body += more
    except web.RequestPayloadError:
        raise Refusal(400, "bad_body", "The body can't be decoded.", "请求内容无法解码。") from None
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return parse_object(body)


def parse_object(body: bytes | str) -> dict[str, Any]:
    """One JSON object out of untrusted bytes or text; raises Refusal as `read_object` does."""
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "bad_json", "Failed when parsing body as json", "请求内容不是有效的 JSON。") from None
    if not isinstance(value, dict):
        raise Refusal(400, "not_an_object", "The body must be a JSON object.", "请求内容必须是 JSON 对象。")
    if not _sound(value, DEPTH_LIMIT):
        text = f"The body nests deeper than {DEPTH_LIMIT} levels or holds characters that can't be stored."
        raise Refusal(400, "unsound_json", text, f"内容嵌套超过 {DEPTH_LIMIT} 层，或包含无法保存的字符。")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _sound(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return not _SURROGATE_OR_NUL.search(value)
    if isinstance(value, dict):
        return depth > 0 and all(_sound(key, depth) and _sound(item, depth - 1) for key, item in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_sound(item, depth - 1) for item in value)
    return True


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(
        413, "too_large", f"The body is larger than {limit_bytes} bytes.", f"请求内容超过 {limit_bytes} 字节。"
    )


def check_origin(request: web.Request, allowed: Collection[str] = ()) -> str | None:
    """Lets pass our own pages, the origins in `allowed` (`https://shop.example`), and programs (they send no Origin).

    Returns:
        The Origin header, when it names another site that is allowed; None otherwise.

    Raises:
        Refusal: 403, the page that called belongs to another site.
    """
    origin = request.headers.get("Origin")
    if origin is None or _host_of(origin) == request.host.lower():
        return None
    if origin.rstrip("/").lower() in {item.rstrip("/").lower() for item in allowed}:
        return origin
    raise Refusal(403, "origin", "Calls from this site are not allowed.", "不允许来自该网站的请求。")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


async def close_sockets(app: web.Application) -> None:
    """Tell every open WebSocket that the server goes away, so that clients reconnect; register with `on_shutdown`."""
    sockets: Sockets = app[SOCKETS]
    closing = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"restart") for socket in sockets]
    await asyncio.gather(*closing, return_exceptions=True)


async def first_of(*works: Coroutine[Any, Any, Any]) -> None:
    """Run together until one ends, then cancel the others; an error of the one that ended is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def is_loopback(request: web.Request) -> bool:
    """Whether the caller sits on this machine."""
    try:
        return ipaddress.ip_address((request.remote or "").split("%")[0]).is_loopback
    except ValueError:
        return False


def bears_token(request: web.Request, token: str) -> bool:
    """Whether the request carries `token`, as `Authorization: Bearer …` or, as in Rasa, `?token=…`. Constant time."""
    header = request.headers.get("Authorization", "")
    given = header[7:] if header[:7].lower() == "bearer " else request.query.get("token", "")
    return hmac.compare_digest(given.encode(errors="replace"), token.encode())


class RateLimit:
    """Token buckets by key (an address, a session), the least recently used forgotten first.

    Args:
        rate_per_s: tokens that come back each second.
        burst: tokens of a fresh bucket, at least 1.
        size: buckets kept.
    """

    def __init__(self, rate_per_s: float, *, burst: int, size: int = 10_000) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._size = size
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, *, now: float | None = None) -> float:
        """Take one token: 0 when there was one, otherwise the seconds until there is."""
        now = time.monotonic() if now is None else now
        tokens, at = self._buckets.pop(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._rate_per_s)
        taken = tokens >= 1
        self._buckets[key] = (tokens - 1 if taken else tokens, now)
        if len(self._buckets) > self._size:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - tokens) / self._rate_per_s

    def check(self, key: str) -> None:
        """Take one token.

        Raises:
            Refusal: 429 with Retry-After.
        """
        wait_s = self.wait_s(key)
        if wait_s > 0:
            raise Refusal(
                429, "rate", "Too many requests; slow down.", "请求过于频繁，请稍后再试。", retry_after_s=wait_s
            )
