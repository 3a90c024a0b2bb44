"""The worker: claim -> handle -> commit, for many conversations at a time and each in order.

The database says what is ready; news of the signal only says when to look. A tracker is kept for each conversation
that spoke lately, with the number of events it holds, so a long conversation is not read again for each message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, cast

from bot.errors import FenceLost, LedgerError, LedgerUnavailable
from bot.events import Event
from bot.ledger.failpoint import failpoint
from bot.ledger.ledger import Claim, Ledger
from bot.ledger.signal import EVERYTHING, News, Signal
from bot.messages import InboundMessage, Status
from bot.turn import Availability, Turn

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How long a message waits at most whose news got lost, or that another process accepted."""

CACHED_TRACKERS = 2000

RETRY_S = (0.5, 1.0, 2.0, 4.0)
"""Wait after the first, second ... failed try of one message."""

DRAIN_S = 30.0


class Bot(Protocol):
    """What the worker needs of bot.agent.Agent."""

    def tracker(self, sender_id: str, events: Iterable[Event] = ()) -> Any: ...

    async def handle(
        self, tracker: Any, message: InboundMessage, *, status: Status, turn_id: str, availability: Availability
    ) -> Turn: ...


class TrackerCache:
    """The trackers of the conversations that spoke last. A tracker is taken out while a turn uses it."""

    def __init__(self, ledger: Ledger, bot: Bot, *, limit: int = CACHED_TRACKERS) -> None:
        self._ledger = ledger
        self._bot = bot
        self._limit = limit
        self._trackers: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    async def take(self, claim: Claim) -> Any:
        """A tracker with all events that the conversation had when it was claimed."""
        number, tracker = self._trackers.pop(claim.conversation_id, (0, None))
        if tracker is None or number > claim.last_event:
            events = await self._ledger.events(claim.conversation_id) if claim.last_event else []
            return self._bot.tracker(claim.message.sender_id, events)
        if number < claim.last_event:
            for event in await self._ledger.events(claim.conversation_id, after=number):
                tracker.apply(event)
        return tracker

    def put(self, claim: Claim, tracker: Any, turn: Turn) -> None:
        """Keep the tracker for the next turn, with what this one added."""
        for event in turn.events:
            tracker.apply(event)
        self._trackers[claim.conversation_id] = (claim.last_event + len(turn.events), tracker)
        if len(self._trackers) > self._limit:
            self._trackers.popitem(last=False)


class Worker:
    """Answers what the ledger holds.

    Args:
        ledger: the store.
        agent: decides the turns.
        signal: wakes the worker.
        availability: of the desk, asked at every turn.
        concurrency: conversations handled at the same time.
        lease_s: how long a conversation stays ours without a renewal; renewed at every third of it.
        turn_timeout_s: longest turn; must be shorter than the lease.
        retry_s: waits after the first, second ... failed try of one message.
    """

    def __init__(
        self,
        ledger: Ledger,
        agent: Bot,
        *,
        signal: Signal,
        availability: Callable[[], Awaitable[Availability]],
        concurrency: int = 32,
        lease_s: float = 90.0,
        turn_timeout_s: float = 60.0,
        retry_s: Sequence[float] = RETRY_S,
    ) -> None:
        self._ledger = ledger
        self._agent = agent
        self._signal = signal
        self._availability = availability
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._turn_timeout_s = turn_timeout_s
        self._retry_s = retry_s
        self._cache = TrackerCache(ledger, agent)
        self._active: dict[asyncio.Task[None], Claim] = {}
        self._closing = False

    async def run(self) -> None:
        """Work until `close`, or until cancelled; turns in progress go on until `close` has waited for them."""
        renewing = asyncio.create_task(self._renew())
        try:
            with self._signal.listen(EVERYTHING) as news:
                while not self._closing:
                    await self._start_ready()
                    await _next(news)
        finally:
            renewing.cancel()

    async def close(self, *, drain_s: float = DRAIN_S) -> None:
        """Claim nothing more and let the turns in progress end; those that take too long are given back."""
        self._closing = True
        self._signal.publish(News("status", ""))
        if self._active:
            await asyncio.wait(self._active, timeout=drain_s)
        for task, claim in list(self._active.items()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._fail(claim, "the server stopped", retry_after_s=0.0)

    async def _start_ready(self) -> None:
        free = self._concurrency - len(self._active)
        if free <= 0:
            return
        try:
            claims = await self._ledger.claim(limit=free, lease_s=self._lease_s)
        except LedgerError as error:
            log.warning("nothing can be claimed now: %s", error)
            return
        for claim in claims:
            task = asyncio.create_task(self._work(claim))
            self._active[task] = claim

    async def _work(self, claim: Claim) -> None:
        try:
            await self._turn(claim)
        except FenceLost as error:
            log.info("turn thrown away: %s", error)
        except LedgerUnavailable as error:
            log.warning("message %d: %s; it is tried again when its lease ends", claim.inbox_id, error)
        except Exception as error:
            log.exception("message %d could not be handled, try %d", claim.inbox_id, claim.attempts)
            wait_s = self._retry_s[min(claim.attempts, len(self._retry_s)) - 1]
            await self._fail(claim, f"{type(error).__name__}: {error}", retry_after_s=wait_s)
        finally:
            del self._active[cast(asyncio.Task[None], asyncio.current_task())]

    async def _turn(self, claim: Claim) -> None:
        tracker = await self._cache.take(claim)
        async with asyncio.timeout(self._turn_timeout_s):
            turn = await self._agent.handle(
                tracker,
                claim.message,
                status=claim.status,
                turn_id=f"{claim.conversation_id}/{claim.inbox_id}",
                availability=await self._availability(),
            )
        failpoint("after_handle")
        await self._commit(claim, turn)
        self._cache.put(claim, tracker, turn)

    async def _commit(self, claim: Claim, turn: Turn) -> None:
        """Commit, and again while the database is away: the turn's actions have been run, so it is worth keeping."""
        deadline = asyncio.get_running_loop().time() + self._lease_s
        while True:
            try:
                await self._ledger.commit(claim, turn)
                return
            except LedgerUnavailable as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                log.warning("turn of message %d not stored yet: %s", claim.inbox_id, error)
                await asyncio.sleep(POLL_S)

    async def _fail(self, claim: Claim, reason: str, *, retry_after_s: float) -> None:
        try:
            await self._ledger.fail(claim, reason, retry_after_s=retry_after_s)
        except LedgerError as error:
            log.warning("message %d stays with its lease: %s", claim.inbox_id, error)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            for claim in list(self._active.values()):
                try:
                    await self._ledger.renew(claim, lease_s=self._lease_s)
                except FenceLost:
                    continue  # the commit will say so too
                except LedgerError as error:
                    log.warning("lease of message %d not renewed: %s", claim.inbox_id, error)


async def _next(news: asyncio.Queue[News]) -> None:
    """Wait for news of something to do, but not long; what came together is taken together."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(POLL_S):
            while (await news.get()).kind == "typing":
                pass
    while not news.empty():
        news.get_nowait()
