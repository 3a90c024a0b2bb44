"""Opening the store: the database, brought to today's schema, and the views on it."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from bot.errors import LedgerUnavailable
from bot.ledger.database import Database, open_database
from bot.ledger.ledger import DeskLedger, Ledger, Outbox
from bot.ledger.schema import migrate
from bot.ledger.signal import Signal
from bot.ledger.sql_desk import SqlDeskLedger
from bot.ledger.sql_ledger import SqlLedger
from bot.ledger.sql_outbox import LEASE_S, SqlOutbox


@dataclass(frozen=True, slots=True)
class Store:
    """The views on one database, and what they share."""

    database: Database
    signal: Signal
    ledger: Ledger
    outbox: Outbox
    desk: DeskLedger
    lock: int | None = None

    async def close(self) -> None:
        """Finish what was handed in, then let go of the database."""
        await self.database.close()
        if self.lock is not None:
            os.close(self.lock)


async def open_ledger(
    url: str,
    *,
    signal: Signal,
    serve: bool = False,
    limit: int = 5000,
    conversation_limit: int = 50,
    delivery_lease_s: float = LEASE_S,
) -> Store:
    """Open the store and migrate it.

    Args:
        url: see `bot.ledger.database.open_database`.
        signal: told of what changes.
        serve: this process runs a worker. On SQLite only one process may, and as the one before it must be gone, its
            leases end at once; on PostgreSQL they run out by themselves.
        limit: messages that may wait in all conversations together, before LedgerFull.
        conversation_limit: the same for one conversation.
        delivery_lease_s: how long a deliverer may have a row; longer than the longest send.

    Raises:
        LedgerUnavailable: the database can't be opened, or another process serves it.
        LedgerError: a newer version made it.
        ValueError: the URL names no database.
    """
    database = open_database(url)
    lock = None
    try:
        if serve and database.dialect == "sqlite":
            lock = _lock(Path(url.partition("///")[2]))
        migrate(database)
        ledger = SqlLedger(database, signal, limit=limit, conversation_limit=conversation_limit)
        if lock is not None:
            await ledger.release_leases()
    except BaseException:
        await database.close()
        if lock is not None:
            os.close(lock)
        raise
    outbox = SqlOutbox(database, lease_s=delivery_lease_s)
    return Store(database, signal, ledger, outbox, SqlDeskLedger(database, signal), lock)


def _lock(path: Path) -> int:
    """Hold `<database>.lock` for as long as this process lives, also if it is killed."""
    file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise LedgerUnavailable(
            f"another process serves {path}: stop it, or use PostgreSQL, which several processes can share"
        ) from error
    return file
