"""The tables of the shop's database, the same for SQLite and PostgreSQL.

All names begin with `shop_`, so that the shop may share a database with the ledger. Times are seconds since the
epoch; money is whole cents.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Integer, MetaData, String, Table, Text

VERSION = 1
"""Raised with every change of the tables below."""

METADATA = MetaData()

version = Table("shop_version", METADATA, Column("version", Integer, primary_key=True))

customer = Table(
    "shop_customer",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", String(320), nullable=False, index=True),
    Column("phone", String(20), nullable=False, default="", index=True),
    Column("address", Text, nullable=False),
)

payment_method = Table(
    "shop_payment_method",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("customer_id", ForeignKey("shop_customer.id"), nullable=False, index=True),
    Column("source", String(32), nullable=False),
    Column("brand", String(32), nullable=False),
    Column("last_four", String(4), nullable=False),
)

product = Table(
    "shop_product",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
)

variant = Table(
    "shop_variant",
    METADATA,
    Column("item_id", String(64), primary_key=True),
    Column("product_id", ForeignKey("shop_product.id"), nullable=False, index=True),
    Column("price_cents", BigInteger, nullable=False),
    Column("available", Integer, nullable=False),
    Column("options", Text, nullable=False),
)

shop_order = Table(
    "shop_order",
    METADATA,
    Column("number", String(32), primary_key=True),
    Column("customer_id", ForeignKey("shop_customer.id"), nullable=False, index=True),
    Column("status", String(32), nullable=False),
    Column("address", Text, nullable=False),
    Column("ordered_at", String(32), nullable=False, default=""),
)

order_item = Table(
    "shop_order_item",
    METADATA,
    Column("order_number", ForeignKey("shop_order.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("item_id", ForeignKey("shop_variant.item_id"), nullable=False),
    Column("price_cents", BigInteger, nullable=False),
)

shipment = Table(
    "shop_shipment",
    METADATA,
    Column("tracking_id", String(64), primary_key=True),
    Column("order_number", ForeignKey("shop_order.number"), nullable=False, index=True),
    Column("carrier", String(64), nullable=False, default=""),
)

payment = Table(
    "shop_payment",
    METADATA,
    Column("order_number", ForeignKey("shop_order.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("amount_cents", BigInteger, nullable=False),
    Column("payment_method_id", ForeignKey("shop_payment_method.id"), nullable=False),
)

service_request = Table(
    "shop_service_request",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("effect", Text, nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("conversation_id", Text, nullable=False, index=True),
    Column("customer_id", String(64), nullable=False),
    Column("order_number", String(32), nullable=False),
    Column("item_ids", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

# ---- proof of identity: who asked for a code, who guessed, who has proved it -------------------------------------

code_request = Table(
    "shop_code_request",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("effect", Text, nullable=False, unique=True),
    Column("conversation_id", Text, nullable=False, index=True),
    Column("order_number", String(32), nullable=False),
    Column("address_digest", String(64), nullable=False, index=True),
    Column("customer_id", String(64), nullable=False),  # empty: the contact did not match
    Column("digest", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("used_at", Double),
    Column("mail_due", Integer, nullable=False),
    Column("mailed_at", Double),
)

guard = Table(
    "shop_guard",
    METADATA,
    Column("key", Text, primary_key=True),  # a conversation or an order number
    Column("failures", Integer, nullable=False),
    Column("failed_at", Double, nullable=False),
)

proof_check = Table(
    "shop_proof_check",
    METADATA,
    Column("effect", Text, primary_key=True),
    Column("outcome", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
)

proof = Table(
    "shop_proof",
    METADATA,
    Column("conversation_id", Text, primary_key=True),
    Column("customer_id", String(64), nullable=False),
    Column("expires_at", Double, nullable=False),
)
