"""Threads for merchants' code, which may block, hang or print.

Each thread keeps one event loop, and an idle thread that ran last is used first: an action that opened a client in
its loop mostly meets it again. A thread whose action hangs is left alone and comes back when the action ends.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any

Job = tuple[Callable[[], Awaitable[Any]], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Busy(Exception):
    """All threads run actions that do not end."""


class ActionThreads:
    """Runs coroutines away from the caller's event loop.

    Args:
        limit: how many may run at the same time.
        timeout_s: after which an awaiting coroutine is cancelled and a blocking one is given up.
    """

    def __init__(self, *, limit: int, timeout_s: float) -> None:
        self._limit = limit
        self._timeout_s = timeout_s
        self._idle: list[_Worker] = []
        self._count = 0

    async def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `work()`.

        Raises:
            TimeoutError: it took too long.
            Busy: no thread is free and no more may be started.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._worker().jobs.put((work, loop, future))
        # The thread cancels what awaits; the wait here is longer, for what blocks.
        return await asyncio.wait_for(future, self._timeout_s * 1.05 + 0.05)

    def close(self) -> None:
        """End idle threads; a hanging one is a daemon and ends with the process."""
        while self._idle:
            self._idle.pop().jobs.put(None)

    def _worker(self) -> _Worker:
        if self._idle:
            return self._idle.pop()
        if self._count >= self._limit:
            raise Busy(f"all {self._limit} threads for actions are busy")
        self._count += 1
        worker = _Worker(self._idle.append, self._timeout_s, self._count)
        worker.start()
        return worker


class _Worker(threading.Thread):
    def __init__(self, done: Callable[[_Worker], None], timeout_s: float, number: int) -> None:
        super().__init__(name=f"action-{number}", daemon=True)
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._done = done
        self._timeout_s = timeout_s

    def run(self) -> None:
        loop = asyncio.new_event_loop()
        while (job := self.jobs.get()) is not None:
            self._run(loop, *job)
        loop.close()

    def _run(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Callable[[], Awaitable[Any]],
        caller: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
    ) -> None:
        result: Any = None
        failure: Exception | None = None
        try:
            result = loop.run_until_complete(asyncio.wait_for(work(), self._timeout_s))
        except Exception as error:
            failure = error
        except BaseException as error:  # sys.exit() in an action ends the action and not the server
            failure = RuntimeError(f"{type(error).__name__}: {error}")
        self._done(self)
        try:
            caller.call_soon_threadsafe(_settle, future, result, failure)
        except RuntimeError:  # the caller's loop is closed: nobody waits any more
            return


def _settle(future: asyncio.Future[Any], result: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
