"""Opens the shop's database, creates its tables and fills them with the demo data, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.shop import schema, seed
from bot.shop.orders import ShopError

BUSY_TIMEOUT_MS = 10_000
SEED_LOCK = 0x5409_7A1C
"""Key of PostgreSQL's advisory lock that lets one process at a time create the tables."""


def open_database(url: str, folder: Path) -> Engine:
    """An engine over a database that has all tables and, if it was new, the demo data.

    Args:
        url: `sqlite:///path` (relative to `folder`), `sqlite://` (memory) or `postgresql://user@host/name`.
        folder: the project's folder.

    Raises:
        ShopError: the URL is wrong, the database can't be reached, or another version made its tables.
    """
    try:
        engine = _engine(url, folder)
        with engine.begin() as connection:
            _create(connection)
    except (SQLAlchemyError, OSError) as error:
        # Not chained: the driver's text may hold the URL with its password.
        raise ShopError(f"the shop's database can't be opened ({type(error).__name__}); check `shop: url:`") from None
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction: committed at the end, rolled back on any error.

    Raises:
        ShopError: the database failed; the text names the kind of failure and no values.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise ShopError(f"the shop's database failed: {type(error).__name__}") from None


def _engine(url: str, folder: Path) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ShopError("`shop: url:` is no database URL, such as sqlite:///var/shop.db") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _sqlite(parsed, folder)
    if kind == "postgresql":
        # hide_parameters: an error's text must not carry what shoppers typed.
        return create_engine(_for_pg8000(parsed), pool_pre_ping=True, hide_parameters=True)
    raise ShopError(f"`shop: url:` names {kind}; sqlite and postgresql are supported")


def _for_pg8000(url: URL) -> URL:
    """libpq's way to name a socket folder (`?host=/run/postgresql`) in pg8000's words."""
    folder = url.query.get("host")
    url = url.set(drivername="postgresql+pg8000")
    if not isinstance(folder, str) or not folder.startswith("/"):
        return url
    socket = f"{folder}/.s.PGSQL.{url.query.get('port') or url.port or 5432}"
    return (
        url.set(host=None, port=None).difference_update_query(("host", "port")).update_query_dict({"unix_sock": socket})
    )


def _sqlite(url: URL, folder: Path) -> Engine:
    if url.database and url.database != ":memory:":
        path = folder / url.database
        path.parent.mkdir(parents=True, exist_ok=True)
        url = url.set(database=str(path))
    # One connection: SQLite has one writer anyway, and waiting in the pool is fairer than SQLITE_BUSY.
    options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0}
    if url.database in (None, ":memory:"):
        from sqlalchemy.pool import QueuePool

        options["poolclass"] = QueuePool
    engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False}, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for reads and not at all for CREATE TABLE; ours is sent on "begin".
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    # Not WAL: several processes may open the file, and SQLite before 3.51.3 can damage a WAL that two of them reset.
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")


def _create(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEED_LOCK})
    if inspect(connection).has_table(schema.version.name):
        found = connection.scalar(select(schema.version.c.version))
        if found != schema.VERSION:
            raise ShopError(f"the shop's database has tables of version {found}, this program needs {schema.VERSION}")
        return
    schema.METADATA.create_all(connection)
    seed.insert(connection)
    connection.execute(schema.version.insert(), {"version": schema.VERSION})
