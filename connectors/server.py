"""The aiohttp application: mounts channels, desk and pages, runs worker and deliverer, stops without losing anything.

Order of start: channels and mounts, then the socket is open (so messages are accepted and kept), then the model
loads, then the worker answers. Order of stop: no new connections, sockets told to come back, the worker finishes its
turns, the deliverer its sends, then channels, mounts and the store close.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal as signals
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from bot.errors import ShoptalkError
from bot.ledger.ledger import DeskLedger, Ledger, Outbox
from bot.ledger.signal import Signal
from bot.registry import find
from bot.turn import Availability
from connectors.channel import Channel
from connectors.http import BODY_LIMIT_BYTES, SOCKETS, Refusal, close_sockets, harden, manners
from connectors.ingest import Ingest

log = logging.getLogger(__name__)

CHANNELS: Mapping[str, str] = {
    "rest": "connectors.rest.channel:RestChannel",
    "web": "connectors.web.channel:WebChannel",
}
"""Our own channels; others by dotted path in credentials.yml or entry point `shoptalk.channel`."""

IGNORED_SECTIONS = frozenset({"rasa", "storefront"})
"""Sections of credentials.yml that name no channel (`rasa` is Rasa's own template)."""


class Mount(Protocol):
    """A part of the site beside the channels: the desk, the storefront, the mailbox, the HTTP API."""

    def routes(self) -> Iterable[web.AbstractRouteDef]: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class Store(Protocol):
    """What `bot.ledger.open_ledger` gives."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def desk(self) -> DeskLedger: ...

    async def close(self) -> None: ...


async def always_present() -> Availability:
    """The availability of a server without a desk that says otherwise."""
    return "present"


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that one server is made of.

    Args:
        store: the opened ledger; closed with the server.
        signal: the one that `store` publishes to.
        load_agent: loads the model; runs after the port is open, until then `GET /ready` answers 503.
        secret: at least 32 bytes; signs sessions and buttons, so it must survive a restart.
        channels: see `open_channels`.
        mounts: desk, storefront, mailbox, HTTP API.
        availability: asked at every turn.
        concurrency: conversations answered at the same time.
    """

    store: Store
    signal: Signal
    load_agent: Callable[[], Awaitable[Any]]
    secret: bytes
    channels: Sequence[Channel]
    mounts: Sequence[Mount] = field(default=())
    availability: Callable[[], Awaitable[Availability]] = always_present
    concurrency: int = 32

    def ingest(self) -> Ingest:
        return Ingest(self.store.ledger, self.store.outbox, self.signal, self.secret, self.store.desk)


READY = web.AppKey("ready", asyncio.Event)
FAILED: web.AppKey[asyncio.Future[None]] = web.AppKey("failed", asyncio.Future)


def open_channels(credentials: Mapping[str, Mapping[str, Any] | None]) -> list[Channel]:
    """The channels that credentials.yml names, each given its section.

    Raises:
        RegistryError: a name leads to no channel.
    """
    names = [name for name in credentials if name not in IGNORED_SECTIONS]
    return [find("channel", name, CHANNELS)(credentials[name]) for name in names]


def create_app(site: Site) -> web.Application:
    """The application of one server; run it with `serve`, or in a test with aiohttp's own runner."""
    if len(site.secret) < 32:
        raise ValueError("the secret must have at least 32 bytes")
    app = web.Application(middlewares=[manners], client_max_size=BODY_LIMIT_BYTES)
    app[READY] = asyncio.Event()
    app[SOCKETS] = weakref.WeakSet()
    app.on_response_prepare.append(harden)
    app.on_shutdown.append(close_sockets)
    ingest = site.ingest()
    for channel in site.channels:
        app.router.add_routes(channel.routes(ingest))
    for mount in site.mounts:
        app.router.add_routes(mount.routes())
    app.router.add_get("/health", _health)
    app.router.add_get("/ready", _Readiness(site).answer)
    app.cleanup_ctx.append(_Life(site).context)
    return app


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@dataclass(frozen=True, slots=True)
class _Readiness:
    site: Site

    async def answer(self, request: web.Request) -> web.Response:
        """200 when the model is loaded and the store answers; 503 with the reason otherwise."""
        if not request.app[READY].is_set():
            raise Refusal(503, "loading", "The model is still loading.", "模型正在加载。", retry_after_s=1)
        # Marking no row as delivered is the cheapest transaction that needs a database which can be written.
        await self.site.store.outbox.delivered([0])
        return web.json_response({"status": "ready"})


class _Life:
    """Starts and stops the parts in order."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def context(self, app: web.Application) -> AsyncIterator[None]:
        app[FAILED] = asyncio.get_running_loop().create_future()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._site.store.close)
            parts: list[Mount | Channel] = [*self._site.mounts, *self._site.channels]
            for part in parts:
                await part.start()
                stack.push_async_callback(part.close)
            task = asyncio.create_task(self._answer(app), name="answering")
            stack.push_async_callback(_ended, task)
            yield

    async def _answer(self, app: web.Application) -> None:
        """Load the model, then run worker and deliverer until cancelled; both drain."""
        from connectors.delivery import Deliverer
        from connectors.worker import Worker

        site = self._site
        try:
            agent = await site.load_agent()
            worker = Worker(
                site.store.ledger,
                agent,
                signal=site.signal,
                availability=site.availability,
                concurrency=site.concurrency,
            )
            deliverer = Deliverer(site.store.outbox, [c for c in site.channels if not c.pulls], site.signal)
            app[READY].set()
            await _run_both(worker, deliverer)
        except Exception as error:
            if not isinstance(error, ShoptalkError):  # that one is told to the operator in its own words
                log.exception("the server can't answer any more")
            app[READY].clear()
            if not app[FAILED].done():
                app[FAILED].set_exception(error)


async def _run_both(worker: Any, deliverer: Any) -> None:
    tasks = [asyncio.create_task(worker.run()), asyncio.create_task(deliverer.run())]
    try:
        await asyncio.gather(*tasks)
    finally:
        await worker.close()
        await deliverer.close()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def serve(
    app: web.Application,
    *,
    interface: str = "127.0.0.1",
    port: int = 5005,
    opened: Callable[[str], None] | None = None,
    drain_s: float = 10.0,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the model can't be loaded (that error is raised).

    Args:
        app: from `create_app`.
        interface: address to listen on.
        port: 0 picks a free one.
        opened: called with the server's URL once the port is open.
        drain_s: how long running requests may take to end.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, interface, port).start()
        if opened:
            opened(url_of(runner, interface))
        await _told_to_stop(app)
    finally:
        await runner.cleanup()


def url_of(runner: web.AppRunner, interface: str) -> str:
    """The address to open in a browser."""
    port = runner.addresses[0][1]
    host = "127.0.0.1" if interface in ("0.0.0.0", "::", "") else interface  # noqa: S104 - shown, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _told_to_stop(app: web.Application) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signals.SIGTERM, signals.SIGINT):
        loop.add_signal_handler(number, stop.set)
    waiting = asyncio.create_task(stop.wait())
    try:
        pending: list[asyncio.Future[Any]] = [waiting, app[FAILED]]
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if app[FAILED].done():
            app[FAILED].result()
    finally:
        waiting.cancel()
        for number in (signals.SIGTERM, signals.SIGINT):
            loop.remove_signal_handler(number)
