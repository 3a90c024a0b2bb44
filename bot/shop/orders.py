"""What a shop knows, as frozen data. An empty field is a fact that the shop does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bot.errors import ShoptalkError

RequestKind = Literal["return", "exchange", "complaint"]


class ShopError(ShoptalkError):
    """The shop's database could not answer. The text holds no personal data."""


@dataclass(frozen=True, slots=True)
class Customer:
    """`email` is where one-time codes go; `phone` is empty when none is on file."""

    id: str
    first_name: str
    last_name: str
    email: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line of an order. `options` maps names to values as the catalogue has them ("color": "blue")."""

    position: int
    item_id: str
    product_id: str
    name: str
    price: Decimal
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shipment:
    """A parcel. `carrier` is empty when the shop does not hold it."""

    tracking_id: str
    carrier: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that moved: a payment to the shop or a refund from it.

    Args:
        kind: which way.
        amount: in the shop's currency, two decimals.
        source: `credit_card`, `gift_card` or `paypal`.
        brand: of a credit card; else empty.
        last_four: last digits of a credit card; else empty.
    """

    kind: Literal["payment", "refund"]
    amount: Decimal
    source: str
    brand: str = ""
    last_four: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """An order with all that belongs to it.

    Args:
        number: as the shopper knows it, `#W2611340`.
        customer_id: whose it is.
        status: `pending`, `processed`, `delivered` or `cancelled`.
        city: where it goes; street and post code stay in the database.
        ordered_at: ISO 8601; empty when the shop does not hold it.
        items: in the order of the receipt.
        shipments: empty until something was shipped.
        payments: payments and refunds, oldest first.
    """

    number: str
    customer_id: str
    status: str
    city: str = ""
    ordered_at: str = ""
    items: tuple[OrderItem, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    payments: tuple[Payment, ...] = ()

    @property
    def total(self) -> Decimal:
        return sum((item.price for item in self.items), Decimal(0))

    @property
    def refunds(self) -> tuple[Payment, ...]:
        return tuple(payment for payment in self.payments if payment.kind == "refund")


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing that can be bought."""

    item_id: str
    price: Decimal
    available: bool
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    id: str
    name: str
    variants: tuple[Variant, ...] = ()

    @property
    def in_stock(self) -> tuple[Variant, ...]:
        return tuple(variant for variant in self.variants if variant.available)


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What a shopper wants a colleague to do.

    Args:
        kind: return, exchange or complaint.
        conversation_id: where it was asked.
        effect: idempotency key; the same effect is recorded once.
        text: the reason or the complaint, in the shopper's words.
        customer_id: proven owner; empty for a complaint by somebody unknown.
        order_number: empty when the request is about no order.
        item_ids: the things meant.
        contact: how to reach somebody unknown.
    """

    kind: RequestKind
    conversation_id: str
    effect: str
    text: str
    customer_id: str = ""
    order_number: str = ""
    item_ids: tuple[str, ...] = ()
    contact: str = ""
