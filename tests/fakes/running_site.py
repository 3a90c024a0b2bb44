"""A whole server of ours in a thread, on a real port, for synchronous tests (a browser, a plain socket)."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from bot.ledger import open_ledger
from bot.ledger.signal import Signal
from connectors.server import READY, Mount, Site, create_app, open_channels
from tests.fakes.echo_agent import EchoAgent

T = TypeVar("T")

SECRET = b"a secret of thirty-two bytes or more"
MountsOf = Callable[["RunningSite"], Sequence[Mount]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningSite:
    """start() and stop() may be repeated: port, database and secret stay, as over a restart.

    Args:
        folder: for the database.
        mounts: builds desk, storefront … once the store is open (`site.store`, `site.signal`).
        credentials: sections of credentials.yml by channel.
    """

    def __init__(
        self, folder: Path, *, mounts: MountsOf | None = None, credentials: dict[str, Any] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.agent: Any = EchoAgent()
        self.store: Any = None
        self.signal: Any = None
        self._mounts = mounts
        self._credentials = credentials or {"rest": {"trusted": True}, "web": {"rate_per_s": 50, "burst": 100}}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None

    def start(self) -> RunningSite:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.call(self._open())
        return self

    def stop(self) -> None:
        if self._loop is None or self._thread is None or self._runner is None:
            return
        self.call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None

    def call(self, work: Coroutine[Any, Any, T], *, timeout_s: float = 30) -> T:
        """Run a coroutine in the server's loop and wait for it."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    async def _open(self) -> None:
        self.signal = Signal()
        self.store = await open_ledger(f"sqlite:///{self.folder / 'ledger.db'}", signal=self.signal)
        app = create_app(
            Site(
                self.store,
                self.signal,
                self._load,
                SECRET,
                open_channels(self._credentials),
                tuple(self._mounts(self)) if self._mounts else (),
            )
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        await asyncio.wait_for(app[READY].wait(), 20)

    async def _load(self) -> Any:
        return self.agent
