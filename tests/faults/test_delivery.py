"""The deliverer against platforms that refuse, time out and answer late."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import SendError
from bot.ledger import Store, open_ledger
from bot.ledger.ledger import Delivery
from bot.ledger.signal import Signal
from bot.messages import InboundMessage, OutboundMessage
from bot.turn import Turn
from connectors.delivery import LONGEST_WAIT_S, MAX_SENDS, Deliverer, wait_after
from connectors.ingest import Ingest


class Platform:
    """A push channel that answers as it is told; what it took is in `taken`."""

    name = "push"
    pulls = False

    def __init__(self, answer: Callable[[Delivery, int], float]) -> None:
        self.answer = answer
        self.calls: list[tuple[str, str]] = []
        self.taken: list[tuple[str, str]] = []

    def routes(self, ingest: Ingest) -> list[web.RouteDef]:
        return []

    async def send(self, delivery: Delivery) -> str | None:
        entry = (delivery.recipient_id, str(delivery.message.text))
        self.calls.append(entry)
        await asyncio.sleep(self.answer(delivery, self.calls.count(entry)))
        self.taken.append(entry)
        return f"id-{len(self.taken)}"

    async def start(self) -> None: ...

    async def close(self) -> None: ...


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_ledger(f"sqlite:///{tmp_path}/store.db", signal=Signal(), serve=True)
    yield store
    await store.close()


@contextlib.asynccontextmanager
async def delivering(store: Store, platform: Platform) -> AsyncIterator[None]:
    deliverer = Deliverer(store.outbox, [platform], store.signal)
    task = asyncio.create_task(deliverer.run())
    yield
    await deliverer.close()
    await task


async def decide(store: Store, sender: str, *texts: str) -> None:
    await store.ledger.accept(InboundMessage(f"{sender}-{texts}", sender, "push", "x"))
    [claim] = await store.ledger.claim(limit=9, lease_s=9)
    await store.ledger.commit(claim, Turn((), tuple(OutboundMessage(text=text) for text in texts)))


async def settled(store: Store, *senders: str) -> dict[str, list[str]]:
    """State of each sender's rows, once none is due."""
    async with asyncio.timeout(10):
        while any([await store.outbox.pending(f"push:{sender}") for sender in senders]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    lines = {sender: await store.outbox.transcript(f"push:{sender}") for sender in senders}
    return {sender: [line.state for line in found if line.who == "bot"] for sender, found in lines.items()}


async def test_rows_arrive_in_order_and_conversations_side_by_side(store: Store) -> None:
    platform = Platform(lambda delivery, _: 0.02)
    senders = [f"s{n}" for n in range(10)]
    for sender in senders:
        await decide(store, sender, "1", "2", "3")
    async with delivering(store, platform):
        await settled(store, *senders)
    for sender in senders:
        assert [text for name, text in platform.taken if name == sender] == ["1", "2", "3"]
    assert {name for name, _ in platform.calls[:10]} == set(senders)


async def test_a_chat_that_is_held_back_delays_only_itself(store: Store) -> None:
    def answer(delivery: Delivery, call: int) -> float:
        if delivery.recipient_id == "slow" and call == 1:
            raise SendError("429", retry_after_s=0.3)
        return 0

    platform = Platform(answer)
    await decide(store, "slow", "1", "2")
    await decide(store, "quick", "1", "2")
    async with delivering(store, platform):
        await settled(store, "slow", "quick")
    assert platform.taken == [("quick", "1"), ("quick", "2"), ("slow", "1"), ("slow", "2")]


async def test_what_can_never_arrive_holds_nothing_back(store: Store) -> None:
    def answer(delivery: Delivery, call: int) -> float:
        if delivery.message.text == "blocked":
            raise SendError("blocked by the user", permanent=True)
        return 0

    platform = Platform(answer)
    await decide(store, "ann", "blocked", "next")
    async with delivering(store, platform):
        assert await settled(store, "ann") == {"ann": ["failed", "sent"]}
    assert platform.calls.count(("ann", "blocked")) == 1


async def test_an_ambiguous_send_is_tried_twice_at_most(store: Store) -> None:
    def answer(delivery: Delivery, call: int) -> float:
        raise SendError("no answer", ambiguous=True, retry_after_s=0.01)

    platform = Platform(answer)
    await decide(store, "ann", "1")
    async with delivering(store, platform):
        assert await settled(store, "ann") == {"ann": ["failed"]}
    assert len(platform.calls) == 2


async def test_a_channel_with_a_bug_does_not_stop_the_others(store: Store) -> None:
    def answer(delivery: Delivery, call: int) -> float:
        if delivery.recipient_id == "bad" and call == 1:
            raise KeyError("bug")
        return 0

    platform = Platform(answer)
    await decide(store, "bad", "1")
    await decide(store, "good", "1")
    async with delivering(store, platform):
        assert await settled(store, "bad", "good") == {"bad": ["sent"], "good": ["sent"]}


async def test_closing_waits_for_the_send_and_its_mark(store: Store) -> None:
    platform = Platform(lambda delivery, _: 0.2)
    await decide(store, "ann", "1")
    async with delivering(store, platform):
        while not platform.calls:  # noqa: ASYNC110 - until the send has begun
            await asyncio.sleep(0.01)
    assert await store.outbox.pending("push:ann") == []


def test_waits_grow_and_end() -> None:
    plain = SendError("busy")
    waits = [wait_after(attempts, plain) for attempts in range(12)]
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == LONGEST_WAIT_S
    assert wait_after(MAX_SENDS - 1, plain) is None
    assert wait_after(0, SendError("later", retry_after_s=7)) == 7
