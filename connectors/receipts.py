"""Marks rows as delivered a moment after they were answered, many at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from bot.errors import LedgerError
from bot.ledger.ledger import Outbox

log = logging.getLogger(__name__)

GATHER_S = 0.05


class Receipts:
    """One write for all the rows that were answered within GATHER_S, so that an answer waits for no second write.

    A crash in between only means that an operator's words may be told twice to a caller that fetches.
    """

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._flushing: set[int] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, ids: Iterable[int]) -> None:
        self._ids.update(ids)
        if self._ids:
            self._news.set()

    def __contains__(self, row_id: int) -> bool:
        """Whether this row was answered already, though its mark is not written yet."""
        return row_id in self._ids or row_id in self._flushing

    def start(self, outbox: Outbox) -> None:
        self._task = asyncio.create_task(self._run(outbox), name="receipts")

    async def close(self, outbox: Outbox) -> None:
        """Write what is left."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(LedgerError):
            await self._flush(outbox)

    async def _run(self, outbox: Outbox) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHER_S)
            self._news.clear()
            try:
                await self._flush(outbox)
            except LedgerError as error:
                log.warning("marks of delivered rows wait: %s", type(error).__name__)
                await asyncio.sleep(1)
                self._news.set()

    async def _flush(self, outbox: Outbox) -> None:
        self._flushing, self._ids = self._ids | self._flushing, set()
        if self._flushing:
            await outbox.delivered(sorted(self._flushing))
            self._flushing = set()
