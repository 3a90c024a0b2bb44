"""The queue as every open desk shows it: read once, whoever looks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable

from bot.errors import LedgerError
from bot.ledger.ledger import ConversationRow, DeskLedger
from bot.ledger.operator_store import OperatorStore
from bot.ledger.signal import EVERYTHING, News, Signal
from bot.messages import Json
from connectors.desk.payloads import row_json

log = logging.getLogger(__name__)

PEOPLE_LIMIT = 300
"""Conversations shown that wait for a person or have one."""
OTHER_LIMIT = 60
"""The newest of the others."""
GATHER_S = 0.3
"""News within this time are one look at the store."""
LOOK_S = 5.0
"""How often to look without news: another process may have written."""

Listener = Callable[[str], None]


class Board:
    """Pushes the queue to its listeners whenever it has changed; sleeps while there are none."""

    def __init__(self, desk: DeskLedger, operators: OperatorStore, signal: Signal) -> None:
        self._desk = desk
        self._operators = operators
        self._signal = signal
        self._listeners: set[Listener] = set()
        self._watched = asyncio.Event()
        self._frame = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="desk board")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def conversations(self) -> list[Json]:
        """The queue now: those that wait, longest first, then those with a person, then the newest others."""
        names = await self.names()
        people = await self._desk.conversations(("queued", "human"), limit=PEOPLE_LIMIT)
        others = await self._desk.conversations(("bot", "resolved"), limit=OTHER_LIMIT)
        return [row_json(row, names) for row in _unique([*people, *others])]

    async def names(self) -> dict[str, str]:
        """Operators' display names by login name."""
        return {operator.name: operator.display_name for operator in await self._operators.operators()}

    async def add(self, listener: Listener) -> None:
        """Tell this listener the queue now and at each change, as the JSON text of a `queue` frame."""
        self._listeners.add(listener)
        self._watched.set()
        listener(_frame(await self.conversations()))

    def discard(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners:
            self._watched.clear()

    async def _run(self) -> None:
        with self._signal.listen(EVERYTHING) as queue:
            while True:
                await self._watched.wait()
                try:
                    await self._look()
                except LedgerError as error:
                    log.warning("the desk's queue can't be read: %s", type(error).__name__)
                await _change(queue)

    async def _look(self) -> None:
        frame = _frame(await self.conversations())
        if frame != self._frame:
            self._frame = frame
            for listener in tuple(self._listeners):
                listener(frame)


def _unique(rows: list[ConversationRow]) -> list[ConversationRow]:
    """Two looks are two moments: a row that changed sides in between counts as it was seen last."""
    return list({row.id: row for row in rows}.values())


def _frame(conversations: list[Json]) -> str:
    return json.dumps({"type": "queue", "conversations": conversations})


async def _change(queue: asyncio.Queue[News]) -> None:
    """Return when the queue may look different, at the latest after LOOK_S."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            while (await queue.get()).kind not in ("status", "accepted", "committed", "said"):
                pass
            await asyncio.sleep(GATHER_S)
    while not queue.empty():
        queue.get_nowait()
