"""The contract of a channel: an adapter to one outside service.

A channel has two pure conversions (platform JSON -> InboundMessage, OutboundMessage -> platform JSON; in its
`payloads.py`), routes that take messages in, and a way to send them out.
"""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from bot.ledger.ledger import Delivery
from connectors.ingest import Ingest


class Channel(Protocol):
    """Constructed with its section of credentials.yml."""

    name: str
    """As in credentials.yml; also the prefix of its conversation ids."""
    pulls: bool
    """True when the client fetches its messages (rest, web): then the deliverer has nothing to do for this channel."""

    def routes(self, ingest: Ingest) -> list[web.RouteDef]:
        """HTTP routes below `/webhooks/<name>/`. They call `ingest.accept`, then acknowledge."""
        ...

    async def send(self, delivery: Delivery) -> str | None:
        """Deliver one message; returns the platform's id for it if there is one.

        Raises:
            SendError: see there for what it tells the deliverer.
        """
        ...

    async def start(self) -> None:
        """Open what the channel needs (polling, sockets). Called once, in the server's event loop."""
        ...

    async def close(self) -> None: ...
