"""The shop as actions see it: orders behind a proof, the public catalogue, requests for colleagues."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Literal, Self

from bot.shop import normal
from bot.shop.catalogue import Catalogue
from bot.shop.database import open_database
from bot.shop.mail_queue import MailQueue
from bot.shop.order_backend import OrderBackend
from bot.shop.orders import Order, ServiceRequest
from bot.shop.proof import Proof, ProofService, Sender
from bot.shop.settings import read_settings
from bot.shop.sql_order_backend import SqlOrderBackend

MAX_TEXT_CHARS = 2000
"""Longest reason or complaint that is kept."""

CATALOGUE_VALID_S = 30.0

_open: dict[Path, Shop] = {}
_opening = threading.Lock()


class Shop:
    """A shop that is open for business.

    No method gives order data without a Proof, and only `proofs` makes one.

    Args:
        orders: the store of orders.
        proofs: proof of identity.
        mails: the queue that `proofs` sends with.
    """

    def __init__(self, orders: OrderBackend, proofs: ProofService, mails: MailQueue) -> None:
        self.proofs = proofs
        self._orders = orders
        self._mails = mails
        self._catalogue = Catalogue(())
        self._catalogue_until = 0.0

    @classmethod
    def open(cls, project: Path | str | None = None) -> Self:
        """The shop of a project; the same object for the same folder.

        Args:
            project: default is SHOPTALK_PROJECT or else the current folder.

        Raises:
            ShopError: the database can't be opened.
            ProjectError: endpoints.yml is wrong.
        """
        folder = Path(project or os.environ.get("SHOPTALK_PROJECT") or ".").resolve()
        with _opening:
            if folder not in _open:
                _open[folder] = cls._make(folder)
            return _open[folder]  # type: ignore[return-value]

    @classmethod
    def _make(cls, folder: Path) -> Self:
        settings = read_settings(folder)
        engine = open_database(settings.url, folder)
        orders, mails = SqlOrderBackend(engine), MailQueue(settings.mailer)
        sender = Sender(settings.name, settings.sender)
        proofs = ProofService(engine, orders, mails, sender=sender, key=settings.key)
        proofs.prune()
        return cls(orders, proofs, mails)

    def catalogue(self) -> Catalogue:
        """The products with stock and prices, at most CATALOGUE_VALID_S old."""
        now = time.monotonic()
        if now >= self._catalogue_until:
            self._catalogue = Catalogue(self._orders.products())
            self._catalogue_until = now + CATALOGUE_VALID_S
        return self._catalogue

    def order(self, proof: Proof, number: str) -> Order | None:
        """An order of the proven customer; None for an unknown number and for somebody else's alike."""
        return self._orders.order(proof.customer_id, number) if self.proofs.is_valid(proof) else None

    def orders(self, proof: Proof) -> tuple[Order, ...]:
        """All orders of the proven customer."""
        return self._orders.orders_of(proof.customer_id) if self.proofs.is_valid(proof) else ()

    def request_return(
        self,
        proof: Proof,
        order: Order,
        item_ids: tuple[str, ...],
        *,
        kind: Literal["return", "exchange"],
        reason: str,
        effect: str,
    ) -> str | None:
        """Record a return or exchange; the number for the shopper, None if the order does not allow it.

        Only delivered orders of the proven customer, and only items that are in them.
        """
        found = self.order(proof, order.number)
        if found is None or found.status != "delivered" or not item_ids:
            return None
        if not set(item_ids) <= {item.item_id for item in found.items}:
            return None
        request = ServiceRequest(
            kind,
            proof.conversation_id,
            effect,
            normal.storable(reason)[:MAX_TEXT_CHARS],
            customer_id=proof.customer_id,
            order_number=found.number,
            item_ids=item_ids,
        )
        return self._orders.record(request)

    def request_complaint(
        self, conversation_id: str, text: str, *, contact: str, order_number: str = "", effect: str
    ) -> str:
        """Record a complaint, also of somebody who proved nothing; the number for the shopper."""
        proof = self.proofs.holder(conversation_id)
        request = ServiceRequest(
            "complaint",
            conversation_id,
            effect,
            normal.storable(text)[:MAX_TEXT_CHARS],
            customer_id=proof.customer_id if proof else "",
            order_number=order_number,
            contact=contact,
        )
        return self._orders.record(request)

    def close(self) -> None:
        """Send what waits and let go of the database."""
        self._mails.close()
        self._orders.close()
        with _opening:
            for folder in [folder for folder, shop in _open.items() if shop is self]:
                del _open[folder]
