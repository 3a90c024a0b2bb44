"""The demo data: 500 customers, 1,000 orders, 50 products, as rows for the tables.

Source: tau-bench's retail domain (MIT, see data/LICENSE). It holds no dates and no phone numbers; those columns stay
empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection

from bot.shop import schema

Row = dict[str, Any]
ADDRESS = ("street", "unit", "city", "state", "zip", "country")


def insert(connection: Connection) -> None:
    """Insert all rows; the caller's transaction makes it all or nothing."""
    products, customers, orders = _read("products.json"), _read("customers.json"), _read("orders.json")
    rows = {
        schema.customer: [_customer(record) for record in customers],
        schema.payment_method: [row for record in customers for row in _payment_methods(record)],
        schema.product: [{"id": record["id"], "name": record["name"]} for record in products],
        schema.variant: [row for record in products for row in _variants(record)],
        **_order_rows(orders, products, customers),
    }
    for table, values in rows.items():
        connection.execute(table.insert(), values)


def cents(amount: float) -> int:
    """Whole cents of an amount that JSON gave as a float."""
    return round(amount * 100)


def _read(name: str) -> list[Row]:
    found: list[Row] = json.loads(files("bot.shop").joinpath("data", name).read_text("utf-8"))
    return found


def _address(values: list[str]) -> str:
    return json.dumps(dict(zip(ADDRESS, values, strict=True)))


def _customer(record: Row) -> Row:
    first_name, last_name = record["name"]
    return {
        "id": record["id"],
        "first_name": first_name,
        "last_name": last_name,
        "email": record["email"].lower(),
        "phone": "",
        "address": _address(record["address"]),
    }


def _payment_methods(record: Row) -> Iterator[Row]:
    for key, source, brand, last_four in record["payment_methods"]:
        yield {
            "id": key,
            "customer_id": record["id"],
            "source": source,
            "brand": brand or "",
            "last_four": last_four or "",
        }


def _variants(record: Row) -> Iterator[Row]:
    for item_id, price, available, options in record["variants"]:
        yield {
            "item_id": item_id,
            "product_id": record["id"],
            "price_cents": cents(price),
            "available": available,
            "options": json.dumps(options),
        }


def _order_rows(orders: list[Row], products: list[Row], customers: list[Row]) -> dict[Any, list[Row]]:
    prices = {item_id: cents(price) for record in products for item_id, price, _, _ in record["variants"]}
    homes = {record["id"]: record["address"] for record in customers}
    rows: dict[Any, list[Row]] = {
        table: [] for table in (schema.shop_order, schema.order_item, schema.shipment, schema.payment)
    }
    for order in orders:
        number, owner = order["number"], order["customer"]
        address = _address(order.get("address", homes[owner]))
        head = {"number": number, "customer_id": owner, "status": order["status"], "address": address, "ordered_at": ""}
        rows[schema.shop_order].append(head)
        rows[schema.order_item] += [
            {"order_number": number, "position": position, "item_id": item_id, "price_cents": prices[item_id]}
            for position, item_id in enumerate(order["items"])
        ]
        rows[schema.shipment] += [
            {"tracking_id": tracking_id, "order_number": number, "carrier": ""} for tracking_id in order["shipments"]
        ]
        rows[schema.payment] += [
            {
                "order_number": number,
                "position": position,
                "kind": kind,
                "amount_cents": cents(amount),
                "payment_method_id": method,
            }
            for position, (kind, amount, method) in enumerate(order["payments"])
        ]
    return rows
