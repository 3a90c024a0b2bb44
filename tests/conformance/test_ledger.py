"""What every implementation of Ledger, Outbox and DeskLedger does: SQLite and PostgreSQL, through one suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.errors import FenceLost, LedgerError, LedgerFull, LedgerUnavailable
from bot.events import AgentUttered, AllSlotsReset, BotUttered, SlotSet, UserUttered
from bot.ledger import Store, open_ledger
from bot.ledger.ledger import Claim
from bot.ledger.schema import migrate, migrations
from bot.ledger.signal import EVERYTHING, Signal
from bot.ledger.sql_ledger import MAX_ATTEMPTS
from bot.messages import Attachment, InboundMessage, OutboundMessage
from bot.turn import Turn
from tests.conformance.postgres import postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
    else:
        yield from postgres_url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await open_ledger(url, signal=Signal(), limit=20, conversation_limit=6)
    yield store
    await store.close()


def message(key: str, sender: str = "ann", text: str = "hi", channel: str = "web") -> InboundMessage:
    return InboundMessage(key, sender, channel, text)


async def claim_one(store: Store, lease_s: float = 90) -> Claim:
    [claim] = await store.ledger.claim(limit=10, lease_s=lease_s)
    return claim


def answer(text: str = "hello") -> Turn:
    events = (UserUttered(text="hi", timestamp=1.5), BotUttered(text=text, timestamp=1.6))
    return Turn(events, (OutboundMessage(text=text),))


async def to_desk(store: Store, operator: str | None = "Ana") -> str:
    """A conversation that asked for a person and, with an operator, has one."""
    await store.ledger.accept(message("first"))
    await store.ledger.commit(await claim_one(store), Turn((), (OutboundMessage(text="wait"),), "queued"))
    if operator:
        assert await store.desk.claim_conversation("web:ann", operator)
    return "web:ann"


async def test_a_message_is_accepted_once(store: Store) -> None:
    first, again = await store.ledger.accept(message("1")), await store.ledger.accept(message("1", text="changed"))
    assert (first.new, again.new) == (True, False)
    assert (first.inbox_id, first.seq) == (again.inbox_id, again.seq)
    other = [
        await store.ledger.accept(message("1", sender="bob")),
        await store.ledger.accept(message("1", channel="x")),
    ]
    assert all(accepted.new for accepted in other)


async def test_duplicates_at_the_same_moment_make_one_message(store: Store) -> None:
    receipts = await asyncio.gather(*(store.ledger.accept(message("1")) for _ in range(20)))
    assert sum(receipt.new for receipt in receipts) == 1
    assert len({(receipt.inbox_id, receipt.seq) for receipt in receipts}) == 1


async def test_everything_of_a_message_comes_back(store: Store) -> None:
    sent = InboundMessage(
        "1", "安娜", "web", "半\ud83d \0 你好 🛒", trusted=True, metadata={"a": [1, {"b": None}]},
        attachments=(Attachment("image", "/f/1", "x.png", "image/png", 9),),
    )  # fmt: skip
    await store.ledger.accept(sent)
    claim = await claim_one(store)
    assert claim.message.metadata["accepted_at"] > 1_600_000_000
    assert (claim.message.text, claim.message.attachments, claim.message.trusted) == (sent.text, sent.attachments, True)
    [line] = await store.outbox.transcript("web:安娜")
    assert line.message == sent


@pytest.mark.parametrize("bad", ["", "a\0b", "\ud800", "x" * 600])
async def test_ids_that_can_not_be_stored_are_refused(store: Store, bad: str) -> None:
    with pytest.raises(ValueError):
        await store.ledger.accept(message(bad))


async def test_back_pressure_in_one_conversation_and_in_all(store: Store) -> None:
    for k in range(6):
        await store.ledger.accept(message(f"{k}"))
    with pytest.raises(LedgerFull) as full:
        await store.ledger.accept(message("more"))
    assert full.value.retry_after_s > 0
    assert not (await store.ledger.accept(message("3"))).new, "a duplicate gets its receipt though all is full"
    for k in range(14):
        await store.ledger.accept(message("1", sender=f"s{k}"))
    with pytest.raises(LedgerFull):
        await store.ledger.accept(message("1", sender="late"))
    assert await store.desk.conversation("web:late") is None, "a refused message leaves nothing behind"
    await store.ledger.commit((await store.ledger.claim(limit=1, lease_s=90))[0], answer())
    assert (await store.ledger.accept(message("1", sender="late"))).new


async def test_one_message_of_a_conversation_at_a_time_and_in_order(store: Store) -> None:
    for k in range(3):
        await store.ledger.accept(message(f"{k}", text=f"text {k}"))
    for k in range(3):
        claim = await claim_one(store)
        assert claim.message.text == f"text {k}"
        assert claim.last_event == 2 * k
        assert await store.ledger.claim(limit=10, lease_s=90) == []
        await store.ledger.commit(claim, answer())
    assert await store.ledger.claim(limit=10, lease_s=90) == []


async def test_claim_takes_no_more_than_asked_and_the_longest_waiting_first(store: Store) -> None:
    for sender in "abcde":
        await store.ledger.accept(message("1", sender=sender))
    await store.ledger.accept(message("2", sender="a"))
    first = await store.ledger.claim(limit=3, lease_s=90)
    assert len(first) == 3
    for claim in first:
        await store.ledger.commit(claim, answer())
    rest = await store.ledger.claim(limit=9, lease_s=90)
    assert {claim.message.sender_id for claim in rest} >= set("de")


async def test_a_turn_is_stored_whole(store: Store) -> None:
    accepted = await store.ledger.accept(message("1"))
    assert await store.outbox.replies(accepted.inbox_id) is None
    claim = await claim_one(store)
    turn = Turn(
        (UserUttered(text="hi", timestamp=1.5), SlotSet(name="colour", value="红", timestamp=1.6)),
        (OutboundMessage(text="a", buttons=({"title": "t", "payload": "/p"},)), OutboundMessage(image="u")),
        "queued",
    )
    await store.ledger.commit(claim, turn)
    assert tuple(await store.ledger.events("web:ann")) == turn.events
    assert tuple(await store.ledger.events("web:ann", after=1)) == turn.events[1:]
    replies = await store.outbox.replies(accepted.inbox_id)
    assert replies is not None
    assert tuple(reply.message for reply in replies) == turn.messages
    assert [reply.seq for reply in replies] == [2, 3]
    row = await store.desk.conversation("web:ann")
    assert row is not None
    assert (row.status, row.slots, row.last_seq, row.preview) == ("queued", {"colour": "红"}, 3, "hi")
    assert row.queued_at is not None


async def test_a_turn_that_can_not_be_stored_leaves_nothing(store: Store) -> None:
    accepted = await store.ledger.accept(message("1"))
    claim = await claim_one(store)
    broken = Turn((UserUttered(text="hi", timestamp=1.0),), (OutboundMessage(custom={"x": object()}),))
    with pytest.raises(TypeError):
        await store.ledger.commit(claim, broken)
    assert await store.outbox.replies(accepted.inbox_id) is None
    assert await store.ledger.events("web:ann") == []
    await store.ledger.commit(claim, answer())


async def test_a_failing_write_undoes_only_itself(store: Store) -> None:
    await store.ledger.accept(message("1"))
    claim = await claim_one(store)
    broken = Turn((), (OutboundMessage(custom={"x": object()}),))
    results = await asyncio.gather(
        store.ledger.accept(message("2")),
        store.ledger.commit(claim, broken),
        store.ledger.accept(message("3")),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in results] == ["Accepted", "TypeError", "Accepted"]
    assert len(await store.outbox.transcript("web:ann")) == 3


async def test_an_outrun_lease_loses_the_fence(store: Store) -> None:
    accepted = await store.ledger.accept(message("1"))
    slow = await claim_one(store, lease_s=0.05)
    await asyncio.sleep(0.1)
    quick = await claim_one(store)
    assert (quick.inbox_id, quick.attempts) == (slow.inbox_id, 2)
    assert quick.fence > slow.fence
    for late in (store.ledger.commit(slow, answer("late")), store.ledger.renew(slow, lease_s=9)):
        with pytest.raises(FenceLost):
            await late
    with pytest.raises(FenceLost):
        await store.ledger.fail(slow, "late", retry_after_s=1)
    await store.ledger.commit(quick, answer("right"))
    with pytest.raises(FenceLost):
        await store.ledger.commit(quick, answer("twice"))
    replies = await store.outbox.replies(accepted.inbox_id)
    assert replies is not None
    assert [reply.message.text for reply in replies] == ["right"]


async def test_a_renewed_lease_holds(store: Store) -> None:
    await store.ledger.accept(message("1"))
    claim = await claim_one(store, lease_s=0.3)
    await store.ledger.renew(claim, lease_s=30)
    await asyncio.sleep(0.35)
    assert await store.ledger.claim(limit=1, lease_s=9) == []
    await store.ledger.commit(claim, answer())


async def test_a_failed_message_waits_and_keeps_its_place(store: Store) -> None:
    await store.ledger.accept(message("1", text="first"))
    await store.ledger.accept(message("2", text="second"))
    await store.ledger.fail(await claim_one(store), "no luck", retry_after_s=0.15)
    assert await store.ledger.claim(limit=1, lease_s=9) == []
    await asyncio.sleep(0.2)
    assert (await claim_one(store)).message.text == "first"


@pytest.mark.parametrize(("text", "part"), [("hello", "Sorry"), ("你好", "抱歉")])
async def test_a_message_that_always_fails_is_given_up(store: Store, text: str, part: str) -> None:
    accepted = await store.ledger.accept(message("1", text=text))
    await store.ledger.accept(message("2", text="next"))
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claim = await claim_one(store)
        assert claim.attempts == attempt
        await store.ledger.fail(claim, "poison \0", retry_after_s=0)
    replies = await store.outbox.replies(accepted.inbox_id)
    assert replies is not None
    assert [part in str(reply.message.text) for reply in replies] == [True]
    row = await store.desk.conversation("web:ann")
    assert row is not None
    assert row.status == "queued"
    following = await claim_one(store)
    assert (following.message.text, following.status, following.last_event) == ("next", "queued", 1)
    assert [line.state for line in await store.outbox.transcript("web:ann")] == ["dead", "pending", "due"]


async def test_a_message_that_kills_is_found_and_the_others_go_on(store: Store) -> None:
    for sender in ("killer", "bob", "eve"):
        await store.ledger.accept(message("1", sender=sender, text=sender))
    alive = {"killer", "bob", "eve"}
    deaths = 0
    while alive and deaths < 30:
        claims = await store.ledger.claim(limit=10, lease_s=0.01)
        if any(claim.message.text == "killer" for claim in claims):  # everything in hand dies with it
            deaths += 1
            await asyncio.sleep(0.02)
        else:
            for claim in claims:
                await store.ledger.commit(claim, answer())
                alive.discard(claim.message.text)
        if await store.outbox.replies(1):
            alive.discard("killer")
    assert not alive
    states = {sender: (await store.outbox.transcript(f"web:{sender}"))[0].state for sender in ("killer", "bob", "eve")}
    assert states == {"killer": "dead", "bob": "done", "eve": "done"}


async def test_due_keeps_order_and_lends_once(store: Store) -> None:
    for sender in ("ann", "bob"):
        await store.ledger.accept(message("1", sender=sender, channel="push"))
    two = Turn((), (OutboundMessage(text="1"), OutboundMessage(text="2")))
    for claim in await store.ledger.claim(limit=9, lease_s=9):
        await store.ledger.commit(claim, two)
    assert await store.outbox.due(["web"], limit=9) == []
    assert await store.outbox.due([], limit=9) == []
    first = await store.outbox.due(["push"], limit=9)
    assert [(row.recipient_id, row.message.text) for row in first] == [("ann", "1"), ("bob", "1")]
    assert await store.outbox.due(["push"], limit=9) == []
    await store.outbox.delivered([first[0].id], provider_id="p1")
    await store.outbox.postponed(first[1], "busy", retry_after_s=0.2)
    [second] = await store.outbox.due(["push"], limit=9)
    assert (second.recipient_id, second.message.text) == ("ann", "2")
    await asyncio.sleep(0.25)
    [again] = await store.outbox.due(["push"], limit=9)
    assert (again.id, again.attempts) == (first[1].id, 1)
    await store.outbox.postponed(again, "gone", retry_after_s=None)
    [after] = await store.outbox.due(["push"], limit=9)
    assert (after.recipient_id, after.message.text) == ("bob", "2"), "a row given up holds nothing back"
    assert [line.state for line in await store.outbox.transcript("push:bob")] == ["done", "failed", "due"]


async def test_pending_is_what_a_client_has_not_fetched(store: Store) -> None:
    conversation = await to_desk(store)
    await store.desk.say(conversation, "Ana", OutboundMessage(text="hi", origin="operator", author="Ana"), key="1")
    rows = await store.outbox.pending(conversation)
    assert [(row.message.text, row.inbox_id is None) for row in rows] == [("wait", False), ("hi", True)]
    await store.outbox.delivered([row.id for row in rows])
    assert await store.outbox.pending(conversation) == []


async def test_transcript_pages_both_sides_in_order(store: Store) -> None:
    conversation = await to_desk(store)
    await store.desk.say(conversation, "Ana", OutboundMessage(text="hello", origin="operator", author="Ana"), key="1")
    await store.desk.say(conversation, "Ana", OutboundMessage(text="joined", origin="system"), key="2")
    await store.desk.hand_back(conversation, "Ana")
    await store.ledger.accept(message("2", text="ok"))
    lines = await store.outbox.transcript(conversation)
    assert [line.who for line in lines] == ["shopper", "bot", "operator", "system", "shopper"]
    seqs = [line.seq for line in lines]
    assert seqs == sorted(set(seqs))
    assert await store.outbox.transcript(conversation, after=seqs[1], limit=2) == lines[2:4]


async def test_an_operator_speaks_once_and_only_in_their_own_conversation(store: Store) -> None:
    conversation = await to_desk(store)
    words = OutboundMessage(text="hello", origin="operator", author="Ana")
    seq = await store.desk.say(conversation, "Ana", words, key="k")
    assert await store.desk.say(conversation, "Ana", words, key="k") == seq
    with pytest.raises(PermissionError):
        await store.desk.say(conversation, "Bob", words, key="other")
    with pytest.raises(PermissionError):
        await store.desk.hand_back(conversation, "Bob")
    with pytest.raises(PermissionError):
        await store.desk.resolve(conversation, "Bob")
    events = await store.ledger.events(conversation)
    assert [(event.type, getattr(event, "text", None)) for event in events] == [("agent", "hello")]
    assert isinstance(events[0], AgentUttered)
    assert events[0].data == {"operator": "Ana", "author": "Ana"}


async def test_two_operators_claim_at_once(store: Store) -> None:
    conversation = await to_desk(store, operator=None)
    results = await asyncio.gather(*(store.desk.claim_conversation(conversation, f"op{k}") for k in range(10)))
    assert sum(results) == 1
    row = await store.desk.conversation(conversation)
    assert row is not None
    assert (row.status, row.operator) == ("human", f"op{results.index(True)}")
    assert await store.desk.claim_conversation(conversation, str(row.operator)), "claiming again what is mine is fine"
    assert not await store.desk.claim_conversation("web:nobody", "Ana")


async def test_each_change_by_the_desk_fences_the_bot(store: Store) -> None:
    conversation = await to_desk(store, operator=None)
    changes = (
        lambda: store.desk.claim_conversation(conversation, "Ana"),
        lambda: store.desk.say(conversation, "Ana", OutboundMessage(text="x", origin="operator"), key="x"),
        lambda: store.desk.resolve(conversation, "Ana"),
    )
    for k, change in enumerate(changes):
        await store.ledger.accept(message(f"m{k}"))
        claim = await claim_one(store)
        await change()
        with pytest.raises(FenceLost):
            await store.ledger.commit(claim, answer("too late"))
        again = await claim_one(store)
        assert again.inbox_id == claim.inbox_id, "the message is handled again at once, under the new status"
        assert again.status == ("human", "human", "resolved")[k]
        await store.ledger.commit(again, Turn())
    texts = [line.message.text for line in await store.outbox.transcript(conversation)]
    assert "too late" not in texts


async def test_hand_back_and_resolve(store: Store) -> None:
    conversation = await to_desk(store)
    await store.desk.hand_back(conversation, "Ana")
    claim = await claim_one(store)
    assert (claim.message.kind, claim.status) == ("handback", "bot")
    await store.ledger.commit(claim, Turn((), (OutboundMessage(text="human again?"),), "queued"))
    await store.desk.resolve(conversation, "Ana")
    await store.ledger.accept(message("2"))
    claim = await claim_one(store)
    assert claim.status == "resolved"
    await store.ledger.commit(claim, answer())
    row = await store.desk.conversation(conversation)
    assert row is not None
    assert (row.status, row.operator, row.queued_at) == ("bot", None, None)


async def test_the_desk_lists_waiting_ones_first_and_oldest_first(store: Store) -> None:
    for sender in ("a", "b", "c", "d"):
        await store.ledger.accept(message("1", sender=sender, text=f"I am {sender}"))
        status = None if sender in "ad" else "queued"
        await store.ledger.commit(await claim_one(store), Turn((), (), status))  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
    rows = await store.desk.conversations(["queued", "bot"])
    assert [row.sender_id for row in rows] == ["b", "c", "d", "a"]
    assert rows[0].preview == "I am b"
    assert [row.sender_id for row in await store.desk.conversations(["bot"], limit=1)] == ["d"]
    assert await store.desk.conversations([]) == []


async def test_slots_follow_resets(store: Store) -> None:
    await store.ledger.accept(message("1"))
    events = (SlotSet(name="a", value=1), AllSlotsReset(), SlotSet(name="b", value=[2]), SlotSet(name="c"))
    await store.ledger.commit(await claim_one(store), Turn(events))
    row = await store.desk.conversation("web:ann")
    assert row is not None
    assert row.slots == {"b": [2]}


async def test_news_comes_after_the_fact(store: Store) -> None:
    with store.signal.listen(EVERYTHING) as queue:
        accepted = await store.ledger.accept(message("1"))
        await store.ledger.accept(message("1"))
        await store.ledger.commit(await claim_one(store), Turn((), (), "queued"))
        await store.desk.claim_conversation("web:ann", "Ana")
        await store.desk.say("web:ann", "Ana", OutboundMessage(text="x", origin="operator"), key="x")
        await store.desk.hand_back("web:ann", "Ana")
        kinds = [queue.get_nowait() for _ in range(queue.qsize())]
    expected = ["accepted", "committed", "status", "status", "said", "status", "accepted"]
    assert [news.kind for news in kinds] == expected
    assert kinds[0].inbox_id == accepted.inbox_id


async def test_everything_survives_a_reopening(url: str) -> None:
    first = await open_ledger(url, signal=Signal())
    await first.ledger.accept(message("1"))
    await first.ledger.claim(limit=1, lease_s=900)
    await first.close()
    second = await open_ledger(url, signal=Signal(), serve=True)
    assert not (await second.ledger.accept(message("1"))).new
    claims = await second.ledger.claim(limit=1, lease_s=900)
    # One process serves SQLite, so what it finds leased was cut off; PostgreSQL can't know and waits for the lease.
    assert [claim.attempts for claim in claims] == ([2] if url.startswith("sqlite") else [])
    await second.close()


async def test_a_closed_store_says_so(url: str) -> None:
    store = await open_ledger(url, signal=Signal())
    await store.close()
    with pytest.raises(LedgerUnavailable):
        await store.ledger.accept(message("1"))


async def test_a_newer_schema_is_refused(store: Store, url: str) -> None:
    def newer(connection) -> None:  # type: ignore[no-untyped-def]
        connection.run("INSERT INTO schema_version (version, name, applied_at) VALUES (9999, 'future', {now})")

    assert migrate(store.database) == []
    await store.database.write(newer)
    with pytest.raises(LedgerError, match=f"schema 9999.*knows {migrations()[-1][0]}"):
        await open_ledger(url, signal=Signal())


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _, _ in migrations()] == list(range(1, len(migrations()) + 1))


@pytest.mark.parametrize("wrong", ["mysql://x", "sqlite://", "shop.db", "sqlite:///"])
async def test_a_wrong_address_is_explained(wrong: str) -> None:
    with pytest.raises(ValueError, match="database address"):
        await open_ledger(wrong, signal=Signal())
