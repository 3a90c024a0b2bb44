"""A server with the desk, real database and real HTTP, and clients that are logged in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.ledger import open_ledger
from bot.ledger.operator_store import OperatorStore, Role
from bot.ledger.signal import Signal
from bot.ledger.store import Store
from connectors.desk.desk import Desk
from connectors.server import READY, Site, create_app, open_channels
from tests.fakes.echo_agent import EchoAgent

PASSWORD = "correct horse 7"


@dataclass
class Operating:
    """One operator's browser: cookie jar and CSRF token."""

    url: str
    name: str
    http: aiohttp.ClientSession
    csrf: str = ""

    async def get(self, path: str, **params: str) -> tuple[int, Any]:
        async with self.http.get(f"{self.url}/desk/api/{path}", params=params) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        given = {"X-CSRF-Token": self.csrf, **headers}
        async with self.http.post(f"{self.url}/desk/api/{path}", json=body or {}, headers=given) as answer:
            return answer.status, await answer.json()


@dataclass
class Shop:
    """The running server, and whoever talks to it."""

    url: str
    store: Store
    signal: Signal
    operators: OperatorStore
    desk: Desk
    agent: EchoAgent
    clients: list[aiohttp.ClientSession] = field(default_factory=list)

    def browser(self, name: str = "") -> Operating:
        client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.clients.append(client)
        return Operating(self.url, name, client)

    async def operator(self, name: str, *, display_name: str = "", role: Role = "operator") -> Operating:
        """A new operator, who has used the link, set a password and is logged in."""
        await self.operators.add(name, display_name=display_name or name.title(), role=role)
        browser = self.browser(name)
        link = await self.operators.make_link(name)
        status, body = await browser.post("password", {"link": link, "password": PASSWORD})
        assert status == 200, body
        browser.csrf = body["csrf"]
        return browser

    async def write(self, sender: str, text: str) -> list[Any]:
        """A shopper says something over REST; what was answered."""
        address = f"{self.url}/webhooks/rest/webhook"
        async with self.clients[0].post(address, json={"sender": sender, "message": text}) as answer:
            assert answer.status == 200
            replies: list[Any] = await answer.json()
            return replies

    async def lines(self, sender: str) -> list[tuple[str, str | None]]:
        lines = await self.store.outbox.transcript(f"rest:{sender}")
        return [(line.who, line.message.text) for line in lines]

    async def status(self, sender: str) -> str:
        row = await self.store.desk.conversation(f"rest:{sender}")
        assert row is not None
        return row.status


OpenShop = Callable[..., Awaitable[Shop]]


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[OpenShop]:
    """`await open_shop(settings={})`: one server for the test."""
    opened: list[tuple[Shop, web.AppRunner]] = []

    async def make(settings: dict[str, Any] | None = None) -> Shop:
        signal = Signal()
        store = await open_ledger(f"sqlite:///{tmp_path / 'desk.db'}", signal=signal)
        operators = OperatorStore(store.database)
        desk = Desk(store, operators, settings or {}, signal=signal)
        agent = EchoAgent()

        async def load() -> Any:
            return agent

        channels = open_channels({"rest": {"trusted": True}, "web": {}})
        secret = b"a secret of thirty-two bytes or more"
        app = create_app(Site(store, signal, load, secret, channels, [desk], desk.availability))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        await asyncio.wait_for(app[READY].wait(), 20)
        port = runner.addresses[0][1]
        shop = Shop(f"http://127.0.0.1:{port}", store, signal, operators, desk, agent)
        shop.browser()
        opened.append((shop, runner))
        return shop

    yield make
    for shop, runner in opened:
        for client in shop.clients:
            await client.close()
        await runner.cleanup()


@pytest.fixture
async def shop(open_shop: OpenShop) -> Shop:
    return await open_shop()
