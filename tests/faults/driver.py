"""The outside of a fault run: starts the server, speaks to it as a stubborn client would, and checks what is stored."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal as signals
import socket
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """One supervised server process group."""

    url: str
    folder: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    failpoint: str = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.faults.server", self.url, str(self.port), str(self.folder)]
        environment = os.environ | {"SHOPTALK_FAILPOINT": self.failpoint, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([*command, *self.options], cwd=ROOT, env=environment, start_new_session=True)
        try:
            yield self
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signals.SIGKILL)
            process.wait()

    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self.pid(), signals.SIGKILL)

    def deaths(self) -> int:
        file = self.folder / "deaths"
        return len(file.read_text().splitlines()) if file.exists() else 0


class Client:
    """Sends a message until it is answered 2xx; that is what "accepted" means."""

    def __init__(self, *servers: Server, patience_s: float = 60.0) -> None:
        self.servers = servers
        self.patience_s = patience_s
        self.accepted: dict[tuple[str, str, str], int] = {}
        self.session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5), connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.session
        await self.session.close()

    async def send(self, channel: str, sender: str, key: str, text: str) -> int:
        data = {"channel": channel, "sender": sender, "id": key, "text": text}
        answer = await self._stubborn("POST", "/message", json=data)
        inbox_id = int(answer["inbox_id"])
        assert self.accepted.setdefault((channel, sender, key), inbox_id) == inbox_id, "one message, two receipts"
        return inbox_id

    async def replies(self, inbox_id: int) -> list[str]:
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            answer = await self._stubborn("GET", f"/replies?inbox_id={inbox_id}")
            if answer is not None:
                return list(answer)
            await asyncio.sleep(0.05)
        raise AssertionError(f"message {inbox_id} was accepted and never answered")

    async def _stubborn(self, method: str, path: str, **options: Any) -> Any:
        assert self.session
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            server = random.choice(self.servers)
            try:
                async with self.session.request(method, f"http://127.0.0.1:{server.port}{path}", **options) as answer:
                    if answer.status == 200:
                        return await answer.json()
                    assert answer.status == 503, await answer.text()
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # killed before it answered: that is what the run is about; ask again
            await asyncio.sleep(random.uniform(0.01, 0.04))
        raise AssertionError(f"the server did not answer {path} within {self.patience_s} s")


def texts_by_sender(file: Path) -> dict[str, list[str]]:
    """What the push channel's platform received, without repeats of one row."""
    seen: set[str] = set()
    found: dict[str, list[str]] = defaultdict(list)
    for line in file.read_text().splitlines():
        sender, row, text = line.split("\t")
        if row not in seen:
            seen.add(row)
            found[sender].append(text)
    return found


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Look into the store from outside of it."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(sql).fetchall()
    import pg8000.dbapi

    from bot.ledger.postgres_database import _options

    with contextlib.closing(pg8000.dbapi.connect(**_options(url))) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]
