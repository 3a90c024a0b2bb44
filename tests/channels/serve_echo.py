"""A serving process with the echo agent, for tests that send it signals: `python -m tests.channels.serve_echo DIR`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.ledger import open_ledger
from bot.ledger.signal import Signal
from connectors.server import Site, create_app, open_channels, serve
from tests.fakes.echo_agent import EchoAgent
from tests.fakes.running_site import SECRET


async def main(folder: Path) -> None:
    signal = Signal()
    store = await open_ledger(f"sqlite:///{folder / 'ledger.db'}", signal=signal, serve=True)

    async def load() -> EchoAgent:
        return EchoAgent()

    app = create_app(Site(store, signal, load, SECRET, open_channels({"rest": {}, "web": {}})))
    await serve(app, port=0, opened=lambda url: print(url, flush=True))


asyncio.run(main(Path(sys.argv[1])))
