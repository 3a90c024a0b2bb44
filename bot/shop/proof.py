"""Who is asking? Proof by a one-time code that goes to the e-mail address on file.

What an onlooker may learn is the same whether order and contact match or not: the same answer, the same statements
in the database. Codes are kept as keyed hashes. Five wrong codes lock a conversation, and an order, until fifteen
minutes passed without another wrong one.

Source: NIST SP 800-63B, 3.1.3 (out-of-band) and 3.2.2 (rate limiting), for the kind of limits.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from sqlalchemy import Connection, Engine, func, select

from bot.shop import normal, schema
from bot.shop.database import transaction
from bot.shop.mail import code_mail
from bot.shop.mail_queue import MailQueue
from bot.shop.order_backend import OrderBackend
from bot.shop.orders import Customer
from bot.shop.sql_order_backend import insert_once

CODE_VALID_S: Final = 600.0
PROOF_VALID_S: Final = 1800.0
MAX_FAILURES: Final = 5
LOCK_S: Final = 900.0
MAX_REQUESTS: Final = 5
"""Codes that one conversation may ask for in REQUEST_WINDOW_S."""
REQUEST_WINDOW_S: Final = 900.0
MAX_MAILS: Final = 5
"""Mails that one address gets in MAIL_WINDOW_S, whoever asks; beyond that the answer is the same, but no mail goes."""
MAIL_WINDOW_S: Final = 3600.0
KEEP_S: Final = 86_400.0
"""Rows older than this are deleted when the shop opens; longer than all windows above."""

Requested = Literal["asked", "limited", "locked"]
Checked = Literal["proven", "wrong", "expired", "locked"]
_SEAL = object()


@dataclass(frozen=True, slots=True)
class Proof:
    """That a conversation belongs to a customer, until `expires_at`. Only ProofService can make one."""

    conversation_id: str
    customer_id: str
    expires_at: float
    seal: object = None

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("a Proof comes from ProofService.holder only")


@dataclass(frozen=True, slots=True)
class Sender:
    """How the mail with the code is written: the shop's name and the From address."""

    shop: str
    address: str


class ProofService:
    """Asks for, checks and remembers proofs of identity.

    Args:
        engine: the shop's database.
        orders: finds the customer behind order number and contact.
        mails: takes the mail with the code.
        sender: see Sender.
        key: secret for the hashes of codes and addresses; at least 16 bytes.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        engine: Engine,
        orders: OrderBackend,
        mails: MailQueue,
        *,
        sender: Sender,
        key: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._orders = orders
        self._mails = mails
        self._sender = sender
        self._key = key
        self._clock = clock
        self._in_flight: set[str] = set()

    def request(
        self, conversation_id: str, order_number: str, contact: str, *, effect: str, language: str = "en"
    ) -> Requested:
        """Send a code to the address on file, if `contact` belongs to the order.

        Args:
            conversation_id: channel and sender.
            order_number: as typed.
            contact: e-mail address or phone number as typed.
            effect: idempotency key; a request with a known key sends no second mail.
            language: of the mail.

        Returns:
            `asked` whether it matched or not; `limited` after too many requests; `locked` after too many wrong codes.
        """
        number, typed = normal.order_number(order_number) or "", normal.contact(contact) or ""
        customer = self._orders.find_customer(number, typed)
        code = f"{secrets.randbelow(10**6):06d}"
        row = {
            "effect": effect,
            "conversation_id": conversation_id,
            "order_number": number,
            "address_digest": self._digest("address", customer.email if customer else typed),
            "customer_id": customer.id if customer else "",
            "digest": self._digest("code", conversation_id, number, code),
            "created_at": self._clock(),
        }
        with transaction(self._engine) as connection:
            outcome, mail_due = self._accept(connection, row)
        if mail_due and customer:
            self._mail(customer, code, effect=effect, language=language)
        return outcome

    def check(self, conversation_id: str, code: str, *, effect: str) -> Checked:
        """Compare a typed code with the newest one of the conversation; a right one is the proof.

        Args:
            conversation_id: channel and sender.
            code: as typed.
            effect: idempotency key; a known key answers as before and counts no second try.
        """
        with transaction(self._engine) as connection:
            known = self._known(connection, schema.proof_check.c.outcome, effect)
            if known is not None:
                return known  # type: ignore[no-any-return]
            asked = self._newest(connection, conversation_id)
            number = asked.order_number if asked else ""
            self._hold(connection, conversation_id, number)
            if self._is_locked(connection, conversation_id, number):
                outcome: Checked = "locked"
            else:
                outcome = self._compare(connection, asked, conversation_id, normal.code(code) or "")
            values = {"effect": effect, "outcome": outcome, "created_at": self._clock()}
            insert_once(connection, schema.proof_check, values)
        return outcome

    def holder(self, conversation_id: str) -> Proof | None:
        """The proof that this conversation holds now."""
        table = schema.proof
        query = select(table.c.customer_id, table.c.expires_at).where(table.c.conversation_id == conversation_id)
        with transaction(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None or row.expires_at <= self._clock():
            return None
        return Proof(conversation_id, row.customer_id, row.expires_at, _SEAL)

    def is_valid(self, proof: Proof) -> bool:
        return proof.expires_at > self._clock()

    def is_locked(self, conversation_id: str, order_number: str | None = None) -> bool:
        """Whether too many wrong codes came from this conversation, or for this order."""
        number = normal.order_number(order_number or "") or ""
        with transaction(self._engine) as connection:
            return self._is_locked(connection, conversation_id, number)

    def asked_order(self, conversation_id: str) -> str | None:
        """The order number of the newest code of this conversation."""
        with transaction(self._engine) as connection:
            asked = self._newest(connection, conversation_id)
        return str(asked.order_number) if asked else None

    def prune(self) -> None:
        """Forget requests, tries and proofs that no rule looks at any more."""
        old = self._clock() - KEEP_S
        with transaction(self._engine) as connection:
            connection.execute(schema.code_request.delete().where(schema.code_request.c.created_at < old))
            connection.execute(schema.proof_check.delete().where(schema.proof_check.c.created_at < old))
            connection.execute(schema.guard.delete().where(schema.guard.c.failed_at < old))
            connection.execute(schema.proof.delete().where(schema.proof.c.expires_at < old))

    def _accept(self, connection: Connection, row: dict[str, Any]) -> tuple[Requested, bool]:
        """Decide on a request inside the transaction: the answer, and whether a mail has to go."""
        table, effect, conversation_id = schema.code_request, row["effect"], row["conversation_id"]
        self._hold(connection, conversation_id, row["order_number"])
        known = connection.execute(select(table).where(table.c.effect == effect)).first()
        if known is not None:
            return "asked", self._renew(connection, known, row)
        if self._is_locked(connection, conversation_id, row["order_number"]):
            return "locked", False
        asked = self._count(connection, table.c.conversation_id == conversation_id, REQUEST_WINDOW_S)
        mailed = self._count(connection, table.c.address_digest == row["address_digest"], MAIL_WINDOW_S)
        if asked >= MAX_REQUESTS:
            return "limited", False
        mail_due = mailed < MAX_MAILS
        return "asked", insert_once(connection, table, row | {"mail_due": int(mail_due)}) and mail_due

    def _renew(self, connection: Connection, known: Any, row: dict[str, Any]) -> bool:
        """After a crash between commit and mail: put a fresh code in place of the one that was never sent."""
        if known.effect in self._in_flight:
            return False
        if known.mailed_at is not None or not known.mail_due or self._clock() - known.created_at > CODE_VALID_S:
            return False
        if (known.customer_id, known.order_number) != (row["customer_id"], row["order_number"]):
            return False
        values = {"digest": row["digest"], "created_at": row["created_at"]}
        connection.execute(schema.code_request.update().where(schema.code_request.c.id == known.id).values(values))
        return True

    def _compare(self, connection: Connection, asked: Any, conversation_id: str, code: str) -> Checked:
        now = self._clock()
        number = asked.order_number if asked else ""
        digest = self._digest("code", conversation_id, number, code)
        is_same = hmac.compare_digest(digest, asked.digest if asked else "")
        if asked is None or not is_same or not asked.customer_id:
            return self._fail(connection, conversation_id, number)
        if asked.used_at is not None or now - asked.created_at >= CODE_VALID_S:
            return "expired"
        table = schema.code_request
        connection.execute(table.update().where(table.c.id == asked.id).values(used_at=now))
        connection.execute(schema.proof.delete().where(schema.proof.c.conversation_id == conversation_id))
        values = {"conversation_id": conversation_id, "customer_id": asked.customer_id}
        connection.execute(schema.proof.insert(), values | {"expires_at": now + PROOF_VALID_S})
        return "proven"

    def _fail(self, connection: Connection, conversation_id: str, number: str) -> Checked:
        now, table, locked = self._clock(), schema.guard, False
        for key in _guards(conversation_id, number):
            row = connection.execute(select(table).where(table.c.key == key)).one()
            failures = 1 + (row.failures if now - row.failed_at < LOCK_S else 0)
            connection.execute(table.update().where(table.c.key == key).values(failures=failures, failed_at=now))
            locked = locked or failures >= MAX_FAILURES
        return "locked" if locked else "wrong"

    def _hold(self, connection: Connection, conversation_id: str, number: str) -> None:
        """Serialise everything that counts tries of this conversation or order (row locks, in one order)."""
        keys = _guards(conversation_id, number)
        for key in keys:
            insert_once(connection, schema.guard, {"key": key, "failures": 0, "failed_at": 0.0})
        query = select(schema.guard.c.key).where(schema.guard.c.key.in_(keys)).order_by(schema.guard.c.key)
        connection.execute(query.with_for_update()).all()

    def _is_locked(self, connection: Connection, conversation_id: str, number: str) -> bool:
        table = schema.guard
        query = select(func.count()).where(
            table.c.key.in_(_guards(conversation_id, number)),
            table.c.failures >= MAX_FAILURES,
            table.c.failed_at > self._clock() - LOCK_S,
        )
        return bool(connection.scalar(query))

    def _newest(self, connection: Connection, conversation_id: str) -> Any:
        table = schema.code_request
        query = select(table).where(table.c.conversation_id == conversation_id).order_by(table.c.id.desc()).limit(1)
        return connection.execute(query).first()

    def _count(self, connection: Connection, condition: Any, window_s: float) -> int:
        table = schema.code_request
        since = self._clock() - window_s
        return int(connection.scalar(select(func.count()).where(condition, table.c.created_at > since)) or 0)

    def _known(self, connection: Connection, column: Any, effect: str) -> Any:
        return connection.scalar(select(column).where(column.table.c.effect == effect))

    def _digest(self, *parts: str) -> str:
        return hmac.new(self._key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()

    def _mail(self, customer: Customer, code: str, *, effect: str, language: str) -> None:
        write = partial(
            code_mail,
            customer.email,
            code=code,
            name=customer.first_name,
            language=language,
            minutes=int(CODE_VALID_S // 60),
            shop=self._sender.shop,
            sender=self._sender.address,
        )
        self._in_flight.add(effect)
        self._mails.put(write, partial(self._mailed, effect))

    def _mailed(self, effect: str, is_sent: bool) -> None:
        table = schema.code_request
        try:
            if is_sent:
                with transaction(self._engine) as connection:
                    connection.execute(table.update().where(table.c.effect == effect).values(mailed_at=self._clock()))
        finally:
            # Not before the row is marked: a second run of the turn must see one or the other.
            self._in_flight.discard(effect)


def _guards(conversation_id: str, number: str) -> tuple[str, ...]:
    return tuple(sorted({f"conversation:{conversation_id}"} | ({f"order:{number}"} if number else set())))
