"""The one place where understanding leaves the event loop."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

from bot.errors import ModelError
from bot.nlu.component import ParseResult
from bot.nlu.pipeline import Pipeline

MAX_BATCH = 32
"""Texts of one pass at most: it bounds how long the first of them waits for the last."""


class Batcher:
    """Parses texts in one worker thread, together with whatever waits beside them.

    Nobody waits for company: a lone text goes at once; texts that come while the thread works form the next batch.

    Args:
        pipeline: trained.
        cache_size: how many exact texts are remembered with their result; 0 for none.
    """

    def __init__(self, pipeline: Pipeline, *, cache_size: int = 0) -> None:
        self._pipeline = pipeline
        self._cache_size = cache_size
        self._cache: OrderedDict[str, ParseResult] = OrderedDict()
        self._waiting: list[tuple[str, asyncio.Future[ParseResult]]] = []
        self._runner: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="understanding")
        self._is_closed = False
        self.hit_count = 0
        self.parse_count = 0

    async def parse(self, text: str) -> ParseResult:
        """What the text means.

        Raises:
            ModelError: the batcher has been closed.
            Exception: whatever a component raised.
        """
        if self._is_closed:
            raise ModelError("The bot is shutting down; no text is parsed any more.")
        self.parse_count += 1
        if text in self._cache:
            self.hit_count += 1
            self._cache.move_to_end(text)
            return deepcopy(self._cache[text])
        future: asyncio.Future[ParseResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Finishes what was asked for, then stops the thread."""
        self._is_closed = True
        if self._runner is not None:
            await self._runner
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            # A caller that has gone (time-out, closed connection) needs no answer.
            batch = [(text, future) for text, future in batch if not future.done()]
            if batch:
                await self._answer(batch)

    async def _answer(self, batch: Sequence[tuple[str, asyncio.Future[ParseResult]]]) -> None:
        loop = asyncio.get_running_loop()
        texts = [text for text, _ in batch]
        try:
            results = await loop.run_in_executor(self._thread, self._pipeline.parse, texts)
        except Exception as error:
            if len(batch) > 1:
                # One text may be at fault: the others must not suffer for it.
                for item in batch:
                    await self._answer([item])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (text, future), result in zip(batch, results, strict=True):
            self._remember(text, result)
            if not future.done():
                future.set_result(result)

    def _remember(self, text: str, result: ParseResult) -> None:
        if self._cache_size:
            self._cache[text] = deepcopy(result)
            if len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
