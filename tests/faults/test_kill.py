"""kill -9 at random moments and at every failpoint: nothing accepted is lost, nothing is answered twice."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.postgres import postgres_url
from tests.faults.driver import Client, Server, query, texts_by_sender

CONVERSATIONS = 60
MESSAGES = 50
KILLS = 60
FAILPOINTS = (
    "before_insert", "after_insert", "after_claim", "after_handle", "before_commit", "after_commit", "after_send",
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
    else:
        yield from postgres_url()


def channel_of(number: int) -> str:
    return ("web", "push")[number % 2]


async def converse(
    client: Client, number: int, *, messages: int, kills: list[float] | None = None, kills_wanted: int = 0
) -> list[list[str]]:
    """One shopper: each message after the one before was accepted; one in ten is sent twice, some at once."""
    receipts = []
    for k in range(1, messages + 1):
        while kills is not None and len(kills) < kills_wanted * (k - 1) / messages:  # noqa: ASYNC110 - paced, not waiting
            await asyncio.sleep(random.uniform(0, 0.1))
        sends = [client.send(channel_of(number), f"s{number}", f"m{k}", f"text {k}")]
        if random.random() < 0.1:
            sends.append(client.send(channel_of(number), f"s{number}", f"m{k}", f"text {k}"))
        receipts.append((await asyncio.gather(*sends))[0])
    return [await client.replies(receipt) for receipt in receipts]


def check(url: str, folder: Path, answers: list[list[list[str]]], *, messages: int) -> None:
    """The invariants: each accepted message one turn, in order, every reply there, and store and channel agree."""
    expected = [[f"{k} text {k}"] for k in range(1, messages + 1)]
    for number, replies in enumerate(answers):
        assert replies == expected, f"conversation {number}"
    total = len(answers) * messages
    assert query(url, "SELECT COUNT(*), COUNT(DISTINCT inbox_id) FROM turn") == [(total, total)]
    assert query(url, "SELECT COUNT(*) FROM inbox WHERE status <> 'done'") == [(0,)]
    assert query(url, "SELECT COUNT(*) FROM outbox") == [(total,)]
    assert query(url, "SELECT COUNT(*) FROM conversation WHERE ready <> 0") == [(0,)]
    heard: dict[str, list[str]] = defaultdict(list)
    for conversation_id, body in query(url, "SELECT conversation_id, body FROM event ORDER BY conversation_id, number"):
        event = json.loads(body)
        if event["event"] == "user":
            heard[conversation_id].append(event["text"])
    for number in range(len(answers)):
        assert heard[f"{channel_of(number)}:s{number}"] == [f"text {k}" for k in range(1, messages + 1)]
    effects = (folder / "effects").read_text().split()
    assert len(set(effects)) == total, "every run of one turn has the same idempotency key"


async def check_pushed(url: str, folder: Path, *, conversations: int, messages: int) -> None:
    """Every reply of the push channel reached its platform, in order; repeats only where a kill came in between."""
    for _ in range(400):
        if query(url, "SELECT COUNT(*) FROM outbox WHERE channel = 'push' AND status = 'due'") == [(0,)]:
            break
        await asyncio.sleep(0.25)
    sent = texts_by_sender(folder / "sent")
    for number in range(1, conversations, 2):
        assert sent[f"s{number}"] == [f"{k} text {k}" for k in range(1, messages + 1)], f"conversation {number}"


async def progress(server: Server, turns: int, patience_s: float) -> None:
    """Wait until that many turns were begun, or nothing is left to begin: a server that is killed before it does
    anything, again and again, proves nothing, and rightly takes the message in hand for the reason."""
    file = server.folder / "effects"
    begun = file.stat().st_size if file.exists() else 0
    deadline = asyncio.get_running_loop().time() + patience_s
    while asyncio.get_running_loop().time() < deadline:
        if file.exists() and file.stat().st_size >= begun + turns * len("push:s12/1234"):
            return
        await asyncio.sleep(0.005)


@pytest.mark.slow
async def test_kill_at_random_moments(url: str, tmp_path: Path) -> None:
    kills_wanted, messages = (KILLS, MESSAGES) if url.startswith("sqlite") else (KILLS // 3, MESSAGES // 3)
    lease = "90" if url.startswith("sqlite") else "1"  # SQLite's server ends its dead forerunner's leases by itself
    server = Server(url, tmp_path / "run", options=("--lease", lease, "--pause", "0.03"))
    kills: list[float] = []

    pace_s, patience_s = (0.1, 0.3) if url.startswith("sqlite") else (0.3, 1.5)

    async def killer() -> None:
        while len(kills) < kills_wanted:
            await asyncio.sleep(random.uniform(pace_s, 0.2 + pace_s))
            await progress(server, random.randint(1, 20), patience_s)
            before = server.deaths()
            server.kill()
            while server.deaths() == before:  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.005)
            kills.append(asyncio.get_running_loop().time())

    with server.running():
        async with Client(server) as client:
            await client.send("web", "s0", "m1", "text 1")  # it is up
            shoppers = [
                converse(client, n, messages=messages, kills=kills, kills_wanted=kills_wanted)
                for n in range(CONVERSATIONS)
            ]
            *answers, _ = await asyncio.gather(*shoppers, killer())
            await check_pushed(url, server.folder, conversations=CONVERSATIONS, messages=messages)
        assert server.deaths() >= kills_wanted
    check(url, server.folder, answers, messages=messages)  # type: ignore[arg-type]
    repeats = len((server.folder / "sent").read_text().splitlines()) - CONVERSATIONS // 2 * messages
    assert 0 <= repeats <= kills_wanted * 3, "rows sent again only where a kill fell between send and mark"


@pytest.mark.parametrize("failpoint", FAILPOINTS)
async def test_kill_at_every_failpoint(failpoint: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    server = Server(url, tmp_path / "run", failpoint=f"{failpoint}:5")  # more than sends go out at once
    with server.running():
        async with Client(server) as client:
            answers = await asyncio.gather(*(converse(client, n, messages=8) for n in range(8)))
            await check_pushed(url, server.folder, conversations=8, messages=8)
        deaths = server.deaths()
    check(url, server.folder, answers, messages=8)
    assert deaths >= 5, "the failpoint was hardly reached"
