"""An endpoint that is made after the server is ready: importing a merchant's actions can take as long as the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from bot.execution.endpoint import ActionEndpoint
from bot.messages import Json


class PendingEndpoint:
    """Calls wait until `make` has been called, in any thread.

    Args:
        build: gives the endpoint; what it raises is raised by `make`, and by every call.
    """

    def __init__(self, build: Callable[[], ActionEndpoint]) -> None:
        self._build = build
        self._made: Future[ActionEndpoint] = Future()

    def make(self) -> None:
        """Build the endpoint. Call it once."""
        try:
            self._made.set_result(self._build())
        except BaseException as error:
            self._made.set_exception(error)
            raise

    async def run(self, call: Json) -> Json:
        return await (await asyncio.wrap_future(self._made)).run(call)

    async def names(self) -> tuple[str, ...] | None:
        return await (await asyncio.wrap_future(self._made)).names()

    async def close(self) -> None:
        if self._made.done() and self._made.exception() is None:
            await self._made.result().close()
