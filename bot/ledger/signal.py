"""Wake-up hints inside one process. Losing one costs a moment, never a message: the truth is in the database."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

EVERYTHING = "*"
"""The topic of a listener who wants news of all conversations (the desk)."""

QUEUE_LIMIT = 256
"""News that a slow listener may have waiting; above it the oldest are dropped, as each only says "look again"."""


@dataclass(frozen=True, slots=True)
class News:
    """`kind`: accepted | committed | said | delivered | status | typing. `data` is for what is not stored (typing)."""

    kind: str
    conversation_id: str
    inbox_id: int | None = None
    data: Any = None


class Signal:
    """Tells listeners of the event loop it is used in that something about a conversation changed."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[News]]] = defaultdict(set)

    def publish(self, news: News) -> None:
        for topic in (news.conversation_id, EVERYTHING):
            for queue in tuple(self._queues.get(topic, ())):
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(news)

    @contextmanager
    def listen(self, topic: str) -> Iterator[asyncio.Queue[News]]:
        """A queue of the news of one conversation, or of all with EVERYTHING, for as long as the block runs."""
        queue: asyncio.Queue[News] = asyncio.Queue(QUEUE_LIMIT)
        self._queues[topic].add(queue)
        try:
            yield queue
        finally:
            self._queues[topic].discard(queue)
            if not self._queues[topic]:
                del self._queues[topic]
