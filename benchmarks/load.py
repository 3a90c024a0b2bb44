"""Load through the REST channel: N conversations at once, each sending its next message when the last is answered.

Every text is new to the server: a sentence of the bot's world with a number that is never used twice, so no cache of
whole texts can answer.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp

SENTENCES = (
    "hey there, this is visitor {n}",
    "i am feeling really sad today, day {n} of it",
    "yes, attempt {n} helped me a lot",
    "no, not at all, try {n} did nothing",
    "my day {n} was wonderful, thank you",
    "are you a bot or person number {n}?",
    "see you later, bye for the {n}th time",
    "i feel {n} percent great",
)

TURNS = 10
"""Messages of one conversation before its client starts a new one: a usual length for a shop."""


@dataclass(frozen=True)
class Load:
    """What one run measured; latencies in seconds."""

    clients: int
    messages: int
    wall_s: float
    median_s: float
    p99_s: float
    errors: int

    @property
    def rate(self) -> float:
        """Messages answered a second."""
        return self.messages / self.wall_s


def texts(start: int) -> Iterator[str]:
    """Sentences never used before, for a `start` never used before."""
    for n in itertools.count(start):
        yield SENTENCES[n % len(SENTENCES)].format(n=n)


async def _client(
    session: aiohttp.ClientSession, url: str, sender: str, jobs: Iterator[str]
) -> tuple[list[float], int]:
    times, errors = [], 0
    for turn, text in enumerate(jobs):
        call = {"sender": f"{sender}-{turn // TURNS}", "message": text}
        start = time.perf_counter()
        async with session.post(f"{url}/webhooks/rest/webhook", json=call) as answer:
            body = await answer.json()
            errors += answer.status != 200 or not isinstance(body, list)
        times.append(time.perf_counter() - start)
    return times, errors


async def _run(url: str, clients: int, messages: int, start: int) -> Load:
    jobs = itertools.islice(texts(start), messages)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        begin = time.perf_counter()
        tasks = [_client(session, url, f"load-{start}-{i}", jobs) for i in range(clients)]
        results = await asyncio.gather(*tasks)
        wall = time.perf_counter() - begin
    times = sorted(t for each, _ in results for t in each)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    return Load(clients, len(times), wall, statistics.median(times), p99, sum(e for _, e in results))


def run(url: str, *, clients: int, messages: int, start: int) -> Load:
    """Send `messages` new texts over `clients` conversations."""
    return asyncio.run(_run(url, clients, messages, start))
