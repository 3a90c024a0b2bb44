"""Worker and store under trouble: a paused worker, poison, an operator in the middle of a turn, a database away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal as signals
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bot.events import BotUttered, UserUttered
from bot.ledger import Store, open_ledger
from bot.ledger.signal import Signal
from bot.messages import InboundMessage, OutboundMessage
from bot.turn import Availability, Turn
from connectors.worker import Worker
from tests.conformance.postgres import postgres_url
from tests.faults.driver import Client, Server, query
from tests.faults.echo import Echo


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_ledger(f"sqlite:///{tmp_path}/store.db", signal=Signal(), serve=True)
    yield store
    await store.close()


@pytest.fixture
def shared_url() -> Iterator[str]:
    yield from postgres_url()


async def present() -> Availability:
    return "present"


@contextlib.asynccontextmanager
async def working(store: Store, bot: Any, **options: Any) -> AsyncIterator[Worker]:
    worker = Worker(store.ledger, bot, signal=store.signal, availability=present, **options)
    task = asyncio.create_task(worker.run())
    yield worker
    await worker.close(drain_s=5)
    await task


async def ask(store: Store, sender: str, key: str, text: str) -> list[str | None]:
    accepted = await store.ledger.accept(InboundMessage(key, sender, "web", text))
    return await answered(store, accepted.inbox_id)


async def answered(store: Store, inbox_id: int, *, patience_s: float = 20) -> list[str | None]:
    async with asyncio.timeout(patience_s):
        while (replies := await store.outbox.replies(inbox_id)) is None:  # noqa: ASYNC110 - as a client that polls
            await asyncio.sleep(0.005)
    return [reply.message.text for reply in replies]


async def test_cached_trackers_equal_fresh_ones(store: Store) -> None:
    async with working(store, Echo()):
        for k in range(1, 6):
            assert await ask(store, "ann", f"{k}", "x") == [f"{k} x"]
    async with working(store, Echo()):
        assert await ask(store, "ann", "6", "x") == ["6 x"]


async def test_events_of_others_reach_a_cached_tracker(store: Store) -> None:
    async with working(store, Echo()):
        await ask(store, "ann", "1", "human")
        await store.desk.claim_conversation("web:ann", "Ana")
        assert await ask(store, "ann", "2", "to Ana") == []
        await store.desk.say("web:ann", "Ana", OutboundMessage(text="ok", origin="operator"), key="1")
        await store.desk.hand_back("web:ann", "Ana")
        assert await ask(store, "ann", "3", "x") == ["4 x"], "hand-back is the third message that the echo counts"


async def test_a_turn_in_progress_ends_before_the_worker_closes(store: Store) -> None:
    bot = Echo(pause_s=0.2)
    async with working(store, bot):
        accepted = await store.ledger.accept(InboundMessage("1", "ann", "web", "x"))
        await bot.begun.wait()
    assert await store.outbox.replies(accepted.inbox_id) is not None


async def test_a_turn_that_never_ends_is_timed_out_and_given_up(store: Store) -> None:
    async with working(store, Echo(pause_s=60), turn_timeout_s=0.05, retry_s=(0.01,)):
        assert "Sorry" in str(await ask(store, "ann", "1", "x"))


async def test_one_turn_at_a_time_in_a_conversation_many_across(store: Store) -> None:
    class Watched(Echo):
        inside: ClassVar[dict[str, int]] = {}
        most = 0

        async def handle(self, tracker: Any, message: InboundMessage, **options: Any) -> Turn:
            self.inside[message.sender_id] = self.inside.get(message.sender_id, 0) + 1
            assert self.inside[message.sender_id] == 1
            self.most = max(self.most, sum(self.inside.values()))
            turn = await super().handle(tracker, message, **options)
            self.inside[message.sender_id] -= 1
            return turn

    bot = Watched(pause_s=0.01)
    async with working(store, bot, concurrency=8):
        keys = [(f"s{n}", f"{k}") for k in range(5) for n in range(12)]
        receipts = [await store.ledger.accept(InboundMessage(key, sender, "web", key)) for sender, key in keys]
        answers = [await answered(store, receipt.inbox_id) for receipt in receipts]
    assert answers == [[f"{int(key) + 1} {key}"] for _, key in keys]
    assert 2 <= bot.most <= 8


async def test_poison_among_good_ones(store: Store) -> None:
    """20 messages that can't be handled among 1,000: five tries each, then a person; all others as usual."""
    tries: dict[str, int] = {}

    class Counting(Echo):
        async def handle(self, tracker: Any, message: InboundMessage, **options: Any) -> Turn:
            if message.text == "poison":
                tries[message.conversation_id] = tries.get(message.conversation_id, 0) + 1
            return await super().handle(tracker, message, **options)

    poisoned = set(range(0, 100, 5))

    async def shopper(number: int) -> list[list[str | None]]:
        texts = ["poison" if k == 4 and number in poisoned else "x" for k in range(10)]
        return [await ask(store, f"s{number}", f"{k}", text) for k, text in enumerate(texts)]

    async with working(store, Counting(), retry_s=(0.01, 0.01, 0.02, 0.02)):
        answers = await asyncio.gather(*(shopper(n) for n in range(100)))
    for number, replies in enumerate(answers):
        if number in poisoned:
            assert replies[:4] == [[f"{k} x"] for k in range(1, 5)]
            assert "Sorry" in str(replies[4])
            assert replies[5:] == [[]] * 5, "it waits for a person; the shopper's words are kept"
        else:
            assert replies == [[f"{k} x"] for k in range(1, 11)]
    assert set(tries.values()) == {5}
    queued = await store.desk.conversations(["queued"], limit=1000)
    assert {row.sender_id for row in queued} == {f"s{n}" for n in poisoned}


async def test_a_message_that_kills_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    server = Server(url, tmp_path / "run")
    with server.running():
        async with Client(server) as client:
            deadly = await client.send("web", "killer", "1", "deadly")
            others = [await client.send("web", f"s{n}", f"{k}", "x") for k in range(5) for n in range(6)]
            assert "Sorry" in str(await client.replies(deadly))
            replies = [await client.replies(inbox_id) for inbox_id in others]
        deaths = server.deaths()
    assert replies == [[f"{k} x"] for k in range(1, 6) for _ in range(6)]
    assert deaths == 7
    assert query(url, "SELECT status FROM conversation WHERE id = 'web:killer'") == [("queued",)]


async def test_a_paused_process_is_fenced(shared_url: str, tmp_path: Path) -> None:
    """SIGSTOP in the middle of a turn for longer than the lease: another process answers, the late turn is void."""
    options = ("--lease", "0.6", "--pause", "0.8", "--shared")
    paused, other = (Server(shared_url, tmp_path / name, options=options) for name in ("paused", "other"))
    with paused.running():
        async with Client(paused) as client:
            await client.replies(await client.send("web", "warm", "0", "up"))
            for k in range(1, 4):
                inbox_id = await client.send("web", "ann", f"{k}", "x")
                await asyncio.sleep(0.1)
                os.kill(paused.pid(), signals.SIGSTOP)
                with other.running():
                    async with Client(other) as second:
                        assert await second.replies(inbox_id) == [f"{k} x"]
                        os.kill(paused.pid(), signals.SIGCONT)
                        await asyncio.sleep(0.9)
                        assert await second.replies(inbox_id) == [f"{k} x"]
    assert query(shared_url, "SELECT COUNT(*) FROM turn WHERE conversation_id = 'web:ann'") == [(3,)]
    assert query(shared_url, "SELECT COUNT(*) FROM outbox WHERE conversation_id = 'web:ann'") == [(3,)]
    stale = (tmp_path / "paused" / "effects").read_text().split()
    again = (tmp_path / "other" / "effects").read_text().split()
    assert len(again) == 3
    assert set(again) <= set(stale), "both ran the turn, and gave its side effects the same idempotency key"


async def test_an_operator_takes_over_in_the_middle_of_a_turn(store: Store) -> None:
    """200 take-overs at random moments of a turn: no word of the bot after the claim, no word of the shopper lost."""

    async def one(number: int) -> None:
        conversation_id = f"web:s{number}"
        accepted = await store.ledger.accept(InboundMessage("1", f"s{number}", "web", "x"))
        await asyncio.sleep(random.uniform(0, 0.03))
        assert await store.desk.claim_conversation(conversation_id, "Ana")
        before = await store.outbox.transcript(conversation_id)
        replies = await answered(store, accepted.inbox_id)
        after = await store.outbox.transcript(conversation_id)
        assert [line.who for line in after] == [line.who for line in before], "the bot spoke after the claim"
        events = await store.ledger.events(conversation_id)
        assert [event.text for event in events if isinstance(event, UserUttered)] == ["x"]
        assert [event.text for event in events if isinstance(event, BotUttered)] == replies

    async with working(store, Echo(pause_s=0.01)):
        for batch in range(10):
            await asyncio.gather(*(one(batch * 20 + n) for n in range(20)))


async def test_a_locked_database_is_waited_for_and_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.errors import LedgerUnavailable

    monkeypatch.setattr("bot.ledger.sqlite_database.BUSY_TIMEOUT_S", 0.5)
    store = await open_ledger(f"sqlite:///{tmp_path}/store.db", signal=Signal())
    rival = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked"):
        await store.ledger.accept(InboundMessage("1", "ann", "web", "x"))
    waiting = asyncio.create_task(store.ledger.accept(InboundMessage("1", "ann", "web", "x")))
    await asyncio.sleep(0.1)
    rival.execute("ROLLBACK")
    assert (await waiting).new
    rival.close()
    await store.close()


async def test_a_full_disk_refuses_and_recovers(store: Store) -> None:
    from bot.errors import LedgerUnavailable

    raw = store.database._writer.raw  # type: ignore[attr-defined]
    raw.execute(f"PRAGMA max_page_count={raw.execute('PRAGMA page_count').fetchone()[0] + 3}")
    accepted = 0
    with pytest.raises(LedgerUnavailable):
        for k in range(100):
            await store.ledger.accept(InboundMessage(f"{k}", f"s{k}", "web", "x" * 3000))
            accepted += 1
    raw.execute("PRAGMA max_page_count=100000")
    assert len(await store.desk.conversations(["bot"], limit=500)) == accepted, "what was refused left nothing"
    assert (await store.ledger.accept(InboundMessage("late", "ann", "web", "x"))).new
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
