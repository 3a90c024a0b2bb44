"""Bringing a database to the schema of this version.

To change the schema, add a file `migrations/<next number>_<name>.sql`: statements ended by `;` (with no `;` inside
them), in the SQL of `bot.ledger.database` (`{identity}` and `{now}` are understood). Files that were released are
never changed. All missing ones run in order, in one transaction, when a database is opened.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from bot.errors import LedgerError
from bot.ledger.database import Connection, Database

_LOCK = "SELECT pg_advisory_xact_lock(7274118)"
"""One process migrates at a time. The number only has to be the same everywhere."""

_CREATE = """CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"""


@cache
def migrations() -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Number, name and statements of every migration, in order."""
    files = [item for item in resources.files("bot.ledger").joinpath("migrations").iterdir() if item.name[0].isdigit()]
    found = []
    for item in sorted(files, key=lambda file: file.name):
        number, _, name = item.name.removesuffix(".sql").partition("_")
        text = re.sub(r"--.*", "", item.read_text())
        found.append((int(number), name, tuple(part.strip() for part in text.split(";") if part.strip())))
    return tuple(found)


def migrate(database: Database) -> list[str]:
    """Run the migrations that the database lacks.

    Returns:
        Their names, in the order they ran.

    Raises:
        LedgerError: the database was made by a newer version.
        LedgerUnavailable: it can't be written now.
    """

    def run(connection: Connection) -> list[str]:
        if database.dialect == "postgresql":
            connection.rows(_LOCK)
        connection.run(_CREATE)
        row = connection.row("SELECT COALESCE(MAX(version), 0) FROM schema_version")
        version = int(row[0]) if row else 0
        newest = migrations()[-1][0]
        if version > newest:
            raise LedgerError(
                f"the database has schema {version}, this version of Shoptalk knows {newest} and older: "
                "start the newer version, or restore a backup made before the upgrade"
            )
        return [_apply(connection, *item) for item in migrations() if item[0] > version]

    return database.write_now(run)


def _apply(connection: Connection, number: int, name: str, statements: tuple[str, ...]) -> str:
    for statement in statements:
        connection.run(statement)
    connection.run("INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, {now})", number, name)
    return name
