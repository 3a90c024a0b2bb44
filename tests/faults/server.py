"""A small server of the real parts (HTTP ingest, store, worker, deliverer) under a supervisor, made to be killed.

    python -m tests.faults.server URL PORT FOLDER [--lease S] [--pause S] [--shared]

The supervisor imports everything once and forks the server again each time that it dies, as systemd would. It writes
the living server's process id to FOLDER/pid; turns' side effects go to FOLDER/effects, what the push channel sends to
FOLDER/sent.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal as signals
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from bot.errors import LedgerFull, LedgerUnavailable
from bot.ledger import Store, open_ledger
from bot.ledger.ledger import Delivery
from bot.ledger.signal import Signal
from bot.messages import InboundMessage
from bot.turn import Availability
from connectors.delivery import Deliverer
from connectors.ingest import Ingest
from connectors.worker import Worker
from tests.faults.echo import Echo


class FileChannel:
    """A push channel whose platform is a file."""

    name = "push"
    pulls = False

    def __init__(self, file: Path) -> None:
        self._file = file

    def routes(self, ingest: Ingest) -> list[web.RouteDef]:
        return []

    async def send(self, delivery: Delivery) -> str | None:
        with self._file.open("a") as file:
            file.write(f"{delivery.recipient_id}\t{delivery.id}\t{delivery.message.text}\n")
        return f"file-{delivery.id}"

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class Door:
    """The HTTP side: take a message in, tell what was answered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def accept(self, request: web.Request) -> web.Response:
        data = await request.json()
        message = InboundMessage(data["id"], data["sender"], data["channel"], data["text"])
        try:
            accepted = await self._store.ledger.accept(message)
        except (LedgerUnavailable, LedgerFull) as error:
            return web.json_response({"error": str(error)}, status=503)
        return web.json_response({"inbox_id": accepted.inbox_id, "seq": accepted.seq, "new": accepted.new})

    async def replies(self, request: web.Request) -> web.Response:
        try:
            deliveries = await self._store.outbox.replies(int(request.query["inbox_id"]))
        except LedgerUnavailable as error:
            return web.json_response({"error": str(error)}, status=503)
        return web.json_response(None if deliveries is None else [delivery.message.text for delivery in deliveries])


class RandomPause(Echo):
    """Turns of differing length, so that a kill meets them at every stage."""

    async def handle(self, tracker, message, **options):  # type: ignore[no-untyped-def]
        await asyncio.sleep(random.uniform(0, self.pause_s))
        return await super().handle(tracker, message, **options)


async def present() -> Availability:
    return "present"


async def serve(options: argparse.Namespace) -> None:
    signal = Signal()
    folder = Path(options.folder)
    store = await open_ledger(options.url, signal=signal, serve=not options.shared, delivery_lease_s=options.lease)
    bot = RandomPause(effects=folder / "effects", pause_s=options.pause)
    worker = Worker(
        store.ledger, bot, signal=signal, availability=present, lease_s=options.lease, retry_s=(0.02, 0.02, 0.02, 0.02)
    )
    deliverer = Deliverer(store.outbox, [FileChannel(folder / "sent")], signal)
    door = Door(store)
    app = web.Application()
    app.router.add_post("/message", door.accept)
    app.router.add_get("/replies", door.replies)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port, reuse_port=True).start()
    await asyncio.gather(worker.run(), deliverer.run())


def supervise(options: argparse.Namespace) -> None:
    stopped: list[int] = []
    pid_file = Path(options.folder) / "pid"
    child = 0

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        os.kill(child, signals.SIGKILL)

    signals.signal(signals.SIGTERM, stop)
    while not stopped:
        child = os.fork()
        if child == 0:
            signals.signal(signals.SIGTERM, signals.SIG_DFL)
            asyncio.run(serve(options))
        pid_file.with_suffix(".new").write_text(str(child))
        pid_file.with_suffix(".new").rename(pid_file)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 70:  # 70 is the deadly message; else a real fault
            sys.exit(os.WEXITSTATUS(status))
        with (Path(options.folder) / "deaths").open("a") as file:
            file.write(f"{status}\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("port", type=int)
    parser.add_argument("folder")
    parser.add_argument("--lease", type=float, default=90.0)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--shared", action="store_true", help="other processes serve the same store")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    supervise(parse(sys.argv[1:]))
