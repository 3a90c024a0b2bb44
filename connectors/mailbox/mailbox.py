"""`GET /mailbox`: the newest mails of a folder of `.eml` files, as text, for callers on this machine only."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from html import escape
from pathlib import Path

from aiohttp import web

from connectors.http import Refusal, is_loopback

SHOWN = 50
SIZE_LIMIT_BYTES = 256 * 1024
OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
STYLE = Path(__file__).parent / "mailbox.css"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="4">
<title>Development mailbox · 开发邮箱</title>
<link rel="stylesheet" href="/mailbox/mailbox.css">
</head>
<body>
<header><h1>Development mailbox <span lang="zh-CN">开发邮箱</span></h1>
<p>Mail that the shop would have sent. This page exists only on this machine and reloads by itself.
<span lang="zh-CN">商店本应发出的邮件。此页面仅在本机可见，自动刷新。</span></p></header>
<main>{mails}</main>
</body>
</html>
"""
NOTHING = '<p class="nothing">No mail yet. <span lang="zh-CN">暂无邮件。</span></p>'
MAIL = (
    """<article><h2>{subject}</h2><p class="to">{sender} → {to} · <time>{time}</time></p><pre>{text}</pre></article>"""
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it is shown: plain text, nothing escaped yet."""

    subject: str
    sender: str
    to: str
    time: str
    text: str

    def html(self) -> str:
        return MAIL.format(
            subject=escape(self.subject),
            sender=escape(self.sender),
            to=escape(self.to),
            time=escape(self.time),
            text=escape(self.text),
        )


class Mailbox:
    """A Mount of connectors.server; mount it only where mail goes to a folder.

    Args:
        folder: where the `.eml` files are; it may not exist yet.
    """

    def __init__(self, folder: Path = Path("var/mailbox")) -> None:
        self._folder = folder

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/mailbox", self._page), web.get("/mailbox/mailbox.css", _style)]

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def _page(self, request: web.Request) -> web.Response:
        _only_here(request)
        mails = await asyncio.to_thread(newest, self._folder)
        html = PAGE.format(mails="\n".join(mail.html() for mail in mails) or NOTHING)
        return web.Response(text=html, content_type="text/html")


def _only_here(request: web.Request) -> None:
    """Codes in these mails open orders, so no other machine, proxy or rebound host name may read them."""
    proxied = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    if not is_loopback(request) or proxied or request.host.rsplit(":", 1)[0].lower() not in OWN_HOSTS:
        raise Refusal(403, "local_only", "The mailbox opens only on the machine itself.", "邮箱仅限本机访问。")


async def _style(_: web.Request) -> web.FileResponse:
    return web.FileResponse(STYLE, headers={"Content-Type": "text/css; charset=utf-8"})


def newest(folder: Path, *, limit: int = SHOWN) -> list[Mail]:
    """The newest mails of a folder, newest first. Files that vanish meanwhile are left out."""
    found = []
    for path in folder.glob("*.eml") if folder.is_dir() else ():
        try:
            found.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:
            continue
    return [mail for time_ns, path in sorted(found, reverse=True)[:limit] if (mail := _read(path, time_ns))]


def _read(path: Path, time_ns: int) -> Mail | None:
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT_BYTES)
    except FileNotFoundError:
        return None
    message = email.message_from_bytes(data, policy=email.policy.default)
    time = datetime.fromtimestamp(time_ns / 1e9).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return Mail(
        str(message.get("Subject", "")), str(message.get("From", "")), str(message.get("To", "")), time, _text(message)
    )


def _text(message: EmailMessage) -> str:
    """The plain-text body; an HTML-only mail is not shown, as nothing here draws HTML."""
    body = message.get_body(("plain",))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, ValueError):
        return "(can't be decoded)"
