"""One database, two dialects: how a function gets a connection and a transaction.

Everything the store does is a function `fn(connection) -> T` that is handed to `Database.write` (a transaction, durable
when the await ends) or `Database.read` (a consistent look). The SQL in such functions is what SQLite and PostgreSQL
both understand, with `?` for parameters and these words for what they spell differently:

    {now}          the database's clock, seconds since the epoch as a float
    {skip_locked}  FOR UPDATE SKIP LOCKED, or nothing where there is one writer
    {identity}     a BIGINT primary key that the database counts up (in migrations)

SQL goes to the driver as it stands: a turn is a dozen short statements, and building them from objects cost more than
running them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Row = Sequence[Any]


class TryAgain(Exception):
    """Raised by a function that met a concurrent writer: roll it back and run it again."""


class Connection(Protocol):
    """What a function may do inside its transaction."""

    def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """Every row of the result."""
        ...

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of the result, or None."""
        ...

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement; the number of rows it changed."""
        ...

    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each sequence of values."""
        ...


class Database(Protocol):
    """Transactions on one database. Each method may raise LedgerUnavailable."""

    dialect: str
    """`sqlite` or `postgresql`."""

    async def write(self, fn: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run `fn` in a transaction; it may run more than once, so it must change nothing but the database.

        Args:
            fn: short, and never waiting for anything but the database.
            durable: False when losing the change in a power cut is harmless (a lease); it then costs no disk sync.

        Raises:
            LedgerUnavailable: the database can't be reached or written now; nothing was stored.
        """
        ...

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a connection that can't write."""
        ...

    def write_now(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction and wait: for opening and migrations, before an event loop runs."""
        ...

    async def close(self) -> None:
        """Finish what was handed in, then close."""
        ...


def marks(count: int) -> str:
    """`?, ?, ?` for an IN list of `count` values."""
    return ", ".join("?" * count)


def open_database(url: str) -> Database:
    """Open the database of a URL.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host:port/name`.

    Raises:
        LedgerUnavailable: it can't be opened now.
        ValueError: the URL names no database that we know.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from bot.ledger.sqlite_database import SqliteDatabase

        return SqliteDatabase(rest[1:])
    if scheme in ("postgresql", "postgres", "postgresql+pg8000"):
        from bot.ledger.postgres_database import PostgresDatabase

        return PostgresDatabase(url)
    raise ValueError(f"{url!r} is no database address: write sqlite:///var/shop.db or postgresql://user@host/name")
