"""A shop over SQLite and over PostgreSQL, with a clock that tests can turn and a real mailbox folder."""

from __future__ import annotations

import email
import email.policy
import itertools
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bot.shop.database import open_database
from bot.shop.mail import MailboxMailer
from bot.shop.mail_queue import MailQueue
from bot.shop.proof import ProofService, Sender
from bot.shop.shop import Shop
from bot.shop.sql_order_backend import SqlOrderBackend
from tests.conformance.postgres import postgres_url

DAY_S = 86_400.0
_days = itertools.count(1)


class Clock:
    """Time that stands still until it is turned. Every test has a day of its own, far from the others' tries."""

    def __init__(self) -> None:
        self.now = next(_days) * 10 * DAY_S

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench:
    """A shop and what a test needs to look into it."""

    engine: Engine
    shop: Shop
    clock: Clock
    mails: MailQueue
    folder: Path

    def codes(self, address: str) -> list[str]:
        """All codes that were mailed to an address, oldest first."""
        self.mails.close()
        found = []
        for path in sorted(self.folder.glob("*.eml")):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["To"] == address:
                found += re.findall(r"^ {4}(\d{6})$", mail.get_content(), re.MULTILINE)
        return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        opened = open_database("sqlite:///var/shop.db", tmp_path_factory.mktemp("shop"))
        yield opened
        opened.dispose()
        return
    urls = postgres_url()
    opened = open_database(next(urls), Path())
    yield opened
    opened.dispose()
    next(urls, None)


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Iterator[Bench]:
    clock, folder = Clock(), tmp_path / "mailbox"
    orders, mails = SqlOrderBackend(engine), MailQueue(MailboxMailer(folder), pauses_s=())
    sender = Sender("Test shop", "shop@example.org")
    proofs = ProofService(engine, orders, mails, sender=sender, key=b"k" * 32, clock=clock)
    yield Bench(engine, Shop(orders, proofs, mails), clock, mails, folder)
    mails.close()


@pytest.fixture
def chat() -> str:
    """A conversation id that no other test has."""
    return f"rest:{uuid.uuid4().hex}"


def records(name: str) -> list[dict]:
    return json.loads(files("bot.shop").joinpath("data", name).read_text("utf-8"))


EMAILS = {record["id"]: record["email"] for record in records("customers.json")}


@dataclass(frozen=True)
class Known:
    """An order of the demo data with its owner's address."""

    number: str
    customer: str
    email: str


def known(status: str, index: int = 0) -> Known:
    found = [record for record in records("orders.json") if record["status"] == status][index]
    return Known(found["number"], found["customer"], EMAILS[found["customer"]])
