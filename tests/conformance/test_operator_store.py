"""Operators over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.errors import LedgerError
from bot.ledger import Store, open_ledger
from bot.ledger.operator_store import OperatorStore
from bot.ledger.signal import Signal
from tests.conformance.postgres import postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
    else:
        yield from postgres_url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await open_ledger(url, signal=Signal())
    yield store
    await store.close()


@pytest.fixture
def operators(store: Store) -> OperatorStore:
    return OperatorStore(store.database)


async def test_names(operators: OperatorStore) -> None:
    await operators.add("mei", display_name="梅", role="admin")
    for wrong in ("mei", "Mei", "", "a b", "-x", "x" * 65, "梅", "mei\n"):
        with pytest.raises(LedgerError):
            await operators.add(wrong)
    [mei] = await operators.operators()
    assert (mei.name, mei.display_name, mei.role, mei.has_password, mei.disabled) == (
        "mei",
        "梅",
        "admin",
        False,
        False,
    )
    assert await operators.operator("nobody") is None
    for action in (operators.disable, operators.make_link, operators.start_session):
        with pytest.raises(LedgerError):
            await action("nobody")


async def test_a_link_is_used_by_one_of_many(operators: OperatorStore) -> None:
    await operators.add("mei")
    for round_number in range(5):
        link = await operators.make_link("mei")
        owners = await asyncio.gather(*(operators.use_link(link, f"hash {round_number} {n}") for n in range(6)))
        assert [owner.name for owner in owners if owner] == ["mei"]
        winner = next(n for n, owner in enumerate(owners) if owner)
        assert await operators.password_hash("mei") == f"hash {round_number} {winner}"
        assert await operators.link_owner(link) is None


async def test_a_new_link_ends_the_old_one(operators: OperatorStore) -> None:
    await operators.add("mei")
    old, new = await operators.make_link("mei"), await operators.make_link("mei")
    assert await operators.use_link(old, "hash") is None
    assert await operators.use_link(new, "hash", display_name="Mei")


async def test_disabling_and_letting_in_again(operators: OperatorStore) -> None:
    await operators.add("mei")
    await operators.use_link(await operators.make_link("mei"), "hash")
    session = await operators.start_session("mei")
    link = await operators.make_link("mei")
    await operators.disable("mei")
    assert await operators.session(session.token) is None
    assert await operators.password_hash("mei") is None
    assert await operators.use_link(link, "other") is None
    assert await operators.use_link(await operators.make_link("mei"), "new") is not None
    assert await operators.password_hash("mei") == "new"


async def test_sessions(operators: OperatorStore, store: Store) -> None:
    await operators.add("mei")
    first, second = await operators.start_session("mei"), await operators.start_session("mei")
    assert first.token != second.token
    assert first.csrf != second.csrf
    found = await operators.session(first.token)
    assert found is not None
    assert (found.csrf, found.operator.name) == (first.csrf, "mei")
    await operators.end_session(first.token)
    assert await operators.session(first.token) is None
    await store.database.write(lambda connection: connection.run("UPDATE operator_session SET expires_at = {now} - 1"))
    assert await operators.session(second.token) is None
    assert await operators.session("no token") is None


async def test_presence(operators: OperatorStore) -> None:
    await operators.add("mei")
    assert not await operators.anyone_present()
    await operators.set_state("mei", "online")
    assert not await operators.anyone_present()  # choosing opens no desk
    await operators.seen("mei")
    assert await operators.anyone_present()
    await operators.set_state("mei", "away")
    assert not await operators.anyone_present()
    await operators.set_state("mei", "online")
    await operators.left("mei")
    assert not await operators.anyone_present()


async def test_failures_are_forgotten_in_time(operators: OperatorStore, store: Store) -> None:
    for _ in range(3):
        await operators.failed("mei|::1")
    assert await operators.failures("mei|::1") == 3
    assert await operators.failures("mei|::2") == 0
    await store.database.write(lambda connection: connection.run("UPDATE login_failure SET at = at - 901"))
    assert await operators.failures("mei|::1") == 0
    await operators.failed("x|::1")
    rows = await store.database.read(lambda connection: connection.rows("SELECT key FROM login_failure"))
    assert [tuple(row) for row in rows] == [("x|::1",)]


async def test_the_audit_names_who_did_what(operators: OperatorStore, store: Store) -> None:
    await operators.audit("mei", "claim", "web:安娜")
    await operators.audit("mei", "logout")
    rows = await store.database.read(
        lambda connection: connection.rows("SELECT operator, what, conversation_id FROM audit ORDER BY id")
    )
    assert [tuple(row) for row in rows] == [("mei", "claim", "web:安娜"), ("mei", "logout", None)]
