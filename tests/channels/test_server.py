"""The application's life: ready or not, a model that can't be loaded, a taken port, SIGTERM in the middle of a turn."""

from __future__ import annotations

import asyncio
import signal as signals
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.errors import ModelError, RegistryError
from bot.ledger import open_ledger
from bot.ledger.signal import Signal
from connectors.server import Site, create_app, open_channels, serve
from tests.fakes.echo_agent import EchoAgent
from tests.fakes.running_site import SECRET

WEBHOOK = "/webhooks/rest/webhook"


async def app_of(folder: Path, load: Any) -> web.Application:
    signal = Signal()
    store = await open_ledger(f"sqlite:///{folder / 'ledger.db'}", signal=signal)
    return create_app(Site(store, signal, load, SECRET, open_channels({"rest": None})))


async def test_accepts_while_the_model_loads_and_answers_after(tmp_path: Path) -> None:
    loaded = asyncio.Event()

    async def load() -> EchoAgent:
        await loaded.wait()
        return EchoAgent()

    urls: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve(await app_of(tmp_path, load), port=0, opened=urls.put_nowait))
    async with aiohttp.ClientSession(await urls.get()) as http:
        async with http.get("/health") as answer:
            assert answer.status == 200
        async with http.get("/ready") as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "loading")
        asked = asyncio.create_task(http.post(WEBHOOK, json={"sender": "a", "message": "early"}))
        await asyncio.sleep(0.2)
        loaded.set()
        assert await (await asked).json() == [{"recipient_id": "a", "text": "echo: early"}]
        async with http.get("/ready") as answer:
            assert answer.status == 200
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_a_model_that_cant_be_loaded_stops_the_server(tmp_path: Path) -> None:
    async def load() -> EchoAgent:
        raise ModelError("the archive is damaged")

    with pytest.raises(ModelError, match="damaged"):
        await asyncio.wait_for(serve(await app_of(tmp_path, load), port=0), 10)


async def test_a_taken_port_is_an_error_and_the_store_is_closed(tmp_path: Path) -> None:
    async def load() -> EchoAgent:
        return EchoAgent()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        app = await app_of(tmp_path, load)
        with pytest.raises(OSError, match="address already in use"):
            await serve(app, port=taken.getsockname()[1])


async def test_sigterm_lets_the_turn_in_progress_end(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.channels.serve_echo", str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    async with aiohttp.ClientSession(url) as http:
        asked = asyncio.create_task(http.post(WEBHOOK, json={"sender": "a", "message": "slow"}))
        await asyncio.sleep(0.4)
        process.send_signal(signals.SIGTERM)
        assert await (await asked).json() == [{"recipient_id": "a", "text": "echo: slow"}]
    assert await asyncio.wait_for(process.wait(), 15) == 0


def test_unknown_channels_are_named() -> None:
    with pytest.raises(RegistryError) as error:
        open_channels({"rset": {}})
    assert "rest" in error.value.known


async def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    signal = Signal()
    store = await open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", signal=signal)
    with pytest.raises(ValueError, match="32 bytes"):
        create_app(Site(store, signal, EchoAgent, b"short", []))  # type: ignore[arg-type]
    await store.close()
