"""The deliverer: due -> send -> delivered, for the channels that push.

One send at a time in each conversation, so order is kept and a chat that the platform holds back delays no other. A
send is at least once: a crash between the platform's yes and our mark sends the row again, with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from bot.errors import LedgerError, SendError
from bot.ledger.failpoint import failpoint
from bot.ledger.ledger import Delivery, Outbox
from bot.ledger.signal import EVERYTHING, News, Signal
from connectors.channel import Channel

log = logging.getLogger(__name__)

POLL_S = 0.5
SEND_TIMEOUT_S = 30.0
"""Longest send; shorter than the time for which the outbox lends a row."""

LONGEST_WAIT_S = 300.0
MAX_SENDS = 300
"""Tries of one row: with the longest wait between them, about a day."""

MAX_AMBIGUOUS_SENDS = 2
"""Tries of a row that the platform may have taken: one doubled message is better than none, three are not."""


class Deliverer:
    """Sends what the outbox holds for push channels.

    Args:
        outbox: the store.
        channels: those with `pulls` False.
        signal: wakes the deliverer.
        concurrency: conversations sent to at the same time.
    """

    def __init__(self, outbox: Outbox, channels: Sequence[Channel], signal: Signal, *, concurrency: int = 32) -> None:
        self._outbox = outbox
        self._channels = {channel.name: channel for channel in channels}
        self._signal = signal
        self._concurrency = concurrency
        self._active: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    async def run(self) -> None:
        """Send until `close`, or until cancelled; sends in progress go on until `close` has waited for them."""
        with self._signal.listen(EVERYTHING) as news:
            while not self._closing:
                if self._channels:
                    await self._start_due()
                await _next(news)

    async def close(self, *, drain_s: float = SEND_TIMEOUT_S) -> None:
        """Start no more sends and let those in progress end."""
        self._closing = True
        self._signal.publish(News("status", ""))
        if self._active:
            await asyncio.wait(self._active.values(), timeout=drain_s)
        for task in list(self._active.values()):
            task.cancel()

    async def _start_due(self) -> None:
        free = self._concurrency - len(self._active)
        if free <= 0:
            return
        try:
            deliveries = await self._outbox.due(list(self._channels), limit=free)
        except LedgerError as error:
            log.warning("nothing can be sent now: %s", error)
            return
        for delivery in deliveries:
            self._active[delivery.conversation_id] = asyncio.create_task(self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._send(delivery)
        except LedgerError as error:
            log.warning("row %d was sent but not marked, so it is sent again: %s", delivery.id, error)
        finally:
            self._active.pop(delivery.conversation_id, None)
            self._signal.publish(News("delivered", delivery.conversation_id, delivery.inbox_id))

    async def _send(self, delivery: Delivery) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                provider_id = await self._channels[delivery.channel].send(delivery)
        except SendError as error:
            await self._postpone(delivery, error)
        except TimeoutError:
            silence = SendError(f"no answer within {SEND_TIMEOUT_S:.0f} s", ambiguous=True)
            await self._postpone(delivery, silence)
        except Exception as error:
            log.exception("channel %s failed at row %d", delivery.channel, delivery.id)
            await self._postpone(delivery, SendError(f"{type(error).__name__}: {error}", ambiguous=True))
        else:
            failpoint("after_send")
            await self._outbox.delivered([delivery.id], provider_id=provider_id)

    async def _postpone(self, delivery: Delivery, error: SendError) -> None:
        wait_s = wait_after(delivery.attempts, error)
        if wait_s is None:
            log.error("row %d to %s is given up: %s", delivery.id, delivery.channel, error)
        else:
            log.warning("row %d to %s is tried again in %.1f s: %s", delivery.id, delivery.channel, wait_s, error)
        await self._outbox.postponed(delivery, str(error), retry_after_s=wait_s)


def wait_after(attempts: int, error: SendError) -> float | None:
    """Seconds until the next try, or None when there shall be none.

    Args:
        attempts: tries of this row before the one that failed.
        error: how it failed.
    """
    tries = attempts + 1
    if error.permanent or tries >= MAX_SENDS or (error.ambiguous and tries >= MAX_AMBIGUOUS_SENDS):
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s
    return min(LONGEST_WAIT_S, float(2 ** min(attempts, 10)))


async def _next(news: asyncio.Queue[News]) -> None:
    """Wait for news of something to send, but not long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(POLL_S):
            while (await news.get()).kind not in ("committed", "said", "delivered", "status"):
                pass
    while not news.empty():
        news.get_nowait()
