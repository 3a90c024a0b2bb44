"""Orders, customers and products in SQLite or PostgreSQL, through SQLAlchemy Core."""

from __future__ import annotations

import json
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.shop import schema
from bot.shop.database import transaction
from bot.shop.orders import Customer, Order, OrderItem, Payment, Product, ServiceRequest, Shipment, Variant

REQUEST_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0, 1, I or O: shoppers read the number out on the telephone."""

Rows = Iterable[Row[Any]]


def insert_once(connection: Connection, table: Any, values: dict[str, Any]) -> bool:
    """Insert unless a unique key forbids it; whether a row was inserted."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return connection.execute(dialect.insert(table).values(values).on_conflict_do_nothing()).rowcount > 0


class SqlOrderBackend:
    """See OrderBackend. Every method is one short transaction.

    Args:
        engine: over a database made by `open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_customer(self, order_number: str, contact: str) -> Customer | None:
        contact = contact or "-"  # an empty phone column must match nobody
        on_file = schema.customer
        query = (
            select(on_file.c.id, on_file.c.first_name, on_file.c.last_name, on_file.c.email, on_file.c.phone)
            .join(schema.shop_order, schema.shop_order.c.customer_id == on_file.c.id)
            .where(
                schema.shop_order.c.number == order_number,
                or_(on_file.c.email == contact, on_file.c.phone == contact),
            )
        )
        with transaction(self._engine) as connection:
            row = connection.execute(query).first()
        return Customer(*row) if row else None

    def order(self, customer_id: str, number: str) -> Order | None:
        found = self._orders(and_(schema.shop_order.c.customer_id == customer_id, schema.shop_order.c.number == number))
        return found[0] if found else None

    def orders_of(self, customer_id: str) -> tuple[Order, ...]:
        return self._orders(schema.shop_order.c.customer_id == customer_id)

    def products(self) -> tuple[Product, ...]:
        query = select(schema.product.c.id, schema.product.c.name, schema.variant).join(schema.variant)
        variants: dict[tuple[str, str], list[Variant]] = defaultdict(list)
        with transaction(self._engine) as connection:
            for product_id, name, item_id, _, price, available, options in connection.execute(query):
                found = Variant(item_id, _money(price), bool(available), json.loads(options))
                variants[product_id, name].append(found)
        return tuple(Product(product_id, name, tuple(found)) for (product_id, name), found in variants.items())

    def record(self, request: ServiceRequest) -> str:
        table = schema.service_request
        values = {name: getattr(request, name) for name in ("effect", "kind", "conversation_id", "customer_id")}
        values |= {"order_number": request.order_number, "item_ids": json.dumps(request.item_ids)}
        values |= {"text": request.text, "contact": request.contact, "created_at": time.time()}
        with transaction(self._engine) as connection:
            # A new number may be taken (one in a thousand million); an old effect is found in the first round.
            while True:
                known = connection.scalar(select(table.c.id).where(table.c.effect == request.effect))
                if known is not None:
                    return str(known)
                number = "R-" + "".join(secrets.choice(REQUEST_ALPHABET) for _ in range(6))
                insert_once(connection, table, values | {"id": number})

    def close(self) -> None:
        self._engine.dispose()

    def _orders(self, condition: Any) -> tuple[Order, ...]:
        table = schema.shop_order
        query = select(table).where(condition).order_by(table.c.ordered_at.desc(), table.c.number)
        with transaction(self._engine) as connection:
            heads = connection.execute(query).all()
            numbers = [head.number for head in heads]
            items = _items(connection, numbers)
            shipments = _shipments(connection, numbers)
            payments = _payments(connection, numbers)
        return tuple(
            Order(
                number=head.number,
                customer_id=head.customer_id,
                status=head.status,
                city=json.loads(head.address).get("city", ""),
                ordered_at=head.ordered_at,
                items=tuple(items[head.number]),
                shipments=tuple(shipments[head.number]),
                payments=tuple(payments[head.number]),
            )
            for head in heads
        )


def _money(cents: int) -> Decimal:
    return Decimal(cents) / 100


def _items(connection: Connection, numbers: list[str]) -> dict[str, list[OrderItem]]:
    line, variant, product = schema.order_item, schema.variant, schema.product
    query = (
        select(line, variant.c.product_id, variant.c.options, product.c.name)
        .join(variant, variant.c.item_id == line.c.item_id)
        .join(product, product.c.id == variant.c.product_id)
        .where(line.c.order_number.in_(numbers))
        .order_by(line.c.order_number, line.c.position)
    )
    found: dict[str, list[OrderItem]] = defaultdict(list)
    for row in connection.execute(query):
        price, options = _money(row.price_cents), json.loads(row.options)
        item = OrderItem(row.position + 1, row.item_id, row.product_id, row.name, price, options)
        found[row.order_number].append(item)
    return found


def _shipments(connection: Connection, numbers: list[str]) -> dict[str, list[Shipment]]:
    table = schema.shipment
    found: dict[str, list[Shipment]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.order_number.in_(numbers))):
        found[row.order_number].append(Shipment(row.tracking_id, row.carrier))
    return found


def _payments(connection: Connection, numbers: list[str]) -> dict[str, list[Payment]]:
    table, method = schema.payment, schema.payment_method
    query = (
        select(table, method.c.source, method.c.brand, method.c.last_four)
        .join(method, method.c.id == table.c.payment_method_id)
        .where(table.c.order_number.in_(numbers))
        .order_by(table.c.order_number, table.c.position)
    )
    found: dict[str, list[Payment]] = defaultdict(list)
    for row in connection.execute(query):
        payment = Payment(row.kind, _money(row.amount_cents), row.source, row.brand, row.last_four)
        found[row.order_number].append(payment)
    return found
