"""Opening, seeding and reading the shop's database."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, inspect, select

from bot.shop import schema, seed
from bot.shop.database import open_database
from bot.shop.orders import ServiceRequest, ShopError
from bot.shop.sql_order_backend import SqlOrderBackend
from tests.conformance.postgres import postgres_url
from tests.shop.conftest import known


def counts(engine: Engine) -> dict[str, int]:
    with engine.begin() as connection:
        tables = (schema.customer, schema.shop_order, schema.order_item, schema.product, schema.variant, schema.version)
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def test_demo_data_is_whole(engine: Engine) -> None:
    assert list(counts(engine).values()) == [500, 1000, 2978, 50, 591, 1]


def test_new_database_is_ready_soon_and_seeded_once(tmp_path: Path) -> None:
    start = time.perf_counter()
    first = open_database("sqlite:///a/shop.db", tmp_path)
    assert time.perf_counter() - start < 2
    first.dispose()
    second = open_database("sqlite:///a/shop.db", tmp_path)
    assert counts(second)["shop_customer"] == 500
    second.dispose()


def test_several_starts_at_once_seed_once(tmp_path: Path) -> None:
    urls = postgres_url()
    for url in ("sqlite:///shop.db", next(urls)):
        with ThreadPoolExecutor(4) as pool:
            engines = list(pool.map(lambda _, url=url: open_database(url, tmp_path), range(4)))
        assert counts(engines[0])["shop_order"] == 1000
        for engine in engines:
            engine.dispose()
    next(urls, None)


def test_seeding_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = seed._read

    def broken(name: str) -> list[dict]:
        rows = read(name)
        return [*rows, rows[0]] if name == "orders.json" else rows  # the same order twice: a key is violated

    with monkeypatch.context() as patch:
        patch.setattr(seed, "_read", broken)
        with pytest.raises(ShopError):
            open_database("sqlite:///shop.db", tmp_path)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    engine = open_database("sqlite:///shop.db", tmp_path)
    assert counts(engine)["shop_order"] == 1000
    engine.dispose()


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    open_database("sqlite:///shop.db", tmp_path).dispose()
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("UPDATE shop_version SET version = 99")
    with pytest.raises(ShopError, match="version 99"):
        open_database("sqlite:///shop.db", tmp_path)


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://u:secret@h/d", "postgresql://u:secret@127.0.0.1:1/d", "sqlite:////proc/none/x.db"]
)
def test_bad_urls_are_explained_without_the_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(ShopError) as caught:
        open_database(url, tmp_path)
    assert "shop: url:" in str(caught.value)
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_orders_come_only_with_their_owner(engine: Engine) -> None:
    orders, delivered = SqlOrderBackend(engine), known("delivered")
    order = orders.order(delivered.customer, delivered.number)
    assert order is not None
    assert order.status == "delivered"
    assert order.total == sum((payment.amount for payment in order.payments), Decimal(0))
    assert order.shipments
    assert [item.position for item in order.items] == list(range(1, len(order.items) + 1))
    assert order.ordered_at == ""
    assert orders.order(known("pending").customer, delivered.number) is None


def test_refunds_are_read(engine: Engine) -> None:
    cancelled = known("cancelled")
    order = SqlOrderBackend(engine).order(cancelled.customer, cancelled.number)
    assert order is not None
    assert [refund.amount for refund in order.refunds] == [order.total]


def test_customers_are_found_by_contact_on_file_only(engine: Engine) -> None:
    orders, delivered = SqlOrderBackend(engine), known("delivered")
    found = orders.find_customer(delivered.number, delivered.email)
    assert found is not None
    assert found.id == delivered.customer
    for contact in ("", known("pending").email, "%", delivered.email[:-1]):
        assert orders.find_customer(delivered.number, contact) is None


def test_requests_are_recorded_once(engine: Engine) -> None:
    orders = SqlOrderBackend(engine)
    request = ServiceRequest("complaint", "rest:a", f"e{time.time_ns()}", "It's broken 坏了 '; DROP TABLE shop_order")
    first = orders.record(request)
    assert first.startswith("R-")
    assert orders.record(request) == first
    with ThreadPoolExecutor(4) as pool:
        again = ServiceRequest("complaint", "rest:a", f"f{time.time_ns()}", "x")
        assert len(set(pool.map(lambda _: orders.record(again), range(4)))) == 1


def test_a_dead_database_says_so_without_data(tmp_path: Path) -> None:
    engine = open_database("sqlite:///shop.db", tmp_path)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE shop_payment")
    delivered = known("delivered")
    with pytest.raises(ShopError) as caught:
        SqlOrderBackend(engine).order(delivered.customer, delivered.number)
    assert delivered.customer not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert inspect(engine).has_table("shop_order")
    engine.dispose()
