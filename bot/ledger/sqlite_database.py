"""SQLite: one writer with group commit.

Writes that arrive while a commit is on its way to the disk wait and share the next one, each in a savepoint of its
own, so that one failing function undoes only itself. The statements run on the event loop's thread: they take
microseconds, while a thread would have to win the interpreter lock back after each of them. Only the commit, which
waits for the disk, is sent to a thread.

The writer alone checkpoints (SQLite before 3.51.3 can damage a database in which two connections do), readers can't
write, and `synchronous=FULL` keeps an acknowledged message through a power cut.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import LedgerUnavailable
from bot.ledger.database import Connection, Row, TryAgain

T = TypeVar("T")

BATCH_LIMIT = 128
"""Most functions in one transaction, so that the event loop gets its turn."""

BUSY_TIMEOUT_S = 5.0
"""How long another process (an operator's command) may hold the write lock."""

CHECKPOINT_PAGES = 2000
"""Length of the write-ahead log from which a durable commit moves it into the database."""

_DURABLE = ("PRAGMA synchronous=FULL", f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
_FLEETING = ("PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=0")
"""A fleeting commit is only a write to the system's cache, so it may run on the event loop's thread."""

_WORDS = {
    "{now}": "((julianday('now') - 2440587.5) * 86400.0)",
    "{skip_locked}": "",
    "{identity}": "INTEGER PRIMARY KEY AUTOINCREMENT",
}


class SqliteConnection:
    """Connection over the standard library's driver."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        self._spelled: dict[str, str] = {}

    def spell(self, sql: str) -> str:
        spelled = self._spelled.get(sql)
        if spelled is None:
            spelled = sql
            for word, meaning in _WORDS.items():
                spelled = spelled.replace(word, meaning)
            self._spelled[sql] = spelled
        return spelled

    def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        return self.raw.execute(self.spell(sql), values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        # All rows are fetched: an UPDATE ... RETURNING is only finished when its result has been read to the end.
        rows = self.raw.execute(self.spell(sql), values).fetchall()
        return rows[0] if rows else None

    def run(self, sql: str, *values: Any) -> int:
        return self.raw.execute(self.spell(sql), values).rowcount

    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        self.raw.executemany(self.spell(sql), values)


class _Job:
    """One function waiting for its transaction."""

    __slots__ = ("durable", "error", "fn", "future", "value")

    def __init__(self, fn: Callable[[Connection], Any], durable: bool, future: asyncio.Future[Any]) -> None:
        self.fn, self.durable, self.future = fn, durable, future
        self.value: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class SqliteDatabase:
    """Database in one file. Used from one event loop at a time."""

    dialect = "sqlite"

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = SqliteConnection(_connect(self.path))
            _wait_for_wal(self._writer.raw)
            self._reader = SqliteConnection(_connect(self.path))
            self._reader.raw.execute("PRAGMA query_only=ON")
        except (OSError, sqlite3.Error) as error:
            raise LedgerUnavailable(f"{self.path} can't be opened as a database: {error}") from error
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="ledger-commit")
        self._waiting: deque[_Job] = deque()
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        self._mode: tuple[str, str] | None = None

    async def write(self, fn: Callable[[Connection], T], *, durable: bool = True) -> T:
        if self._closed:
            raise LedgerUnavailable("the database is closed")
        loop = asyncio.get_running_loop()
        job = _Job(fn, durable, loop.create_future())
        self._waiting.append(job)
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush())
        result: T = await job.future
        return result

    async def read(self, fn: Callable[[Connection], T]) -> T:
        try:
            self._reader.raw.execute("BEGIN")
            try:
                return fn(self._reader)
            finally:
                self._reader.raw.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise _unavailable(error) from error

    def write_now(self, fn: Callable[[Connection], T]) -> T:
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        self._switch(_DURABLE)
        while True:
            try:
                self._writer.raw.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise _unavailable(error) from error
                time.sleep(0.005)
        try:
            result = fn(self._writer)
            self._writer.raw.execute("COMMIT")
            return result
        except sqlite3.OperationalError as error:
            raise _unavailable(error) from error
        finally:
            if self._writer.raw.in_transaction:
                self._writer.raw.execute("ROLLBACK")

    async def close(self) -> None:
        self._closed = True
        if self._flushing is not None:
            await self._flushing
        self._disk.shutdown()
        self._reader.raw.close()
        self._writer.raw.close()

    async def _flush(self) -> None:
        while self._waiting:
            jobs = [self._waiting.popleft() for _ in range(min(BATCH_LIMIT, len(self._waiting)))]
            try:
                await self._transaction([job for job in jobs if not job.future.cancelled()])
            except Exception as error:
                for job in jobs:
                    job.error = _unavailable(error)
            except BaseException:
                for job in jobs:
                    job.future.cancel()
                raise
            finally:
                for job in jobs:
                    job.settle()

    async def _transaction(self, jobs: list[_Job]) -> None:
        raw = self._writer.raw
        durable = any(job.durable for job in jobs)
        self._switch(_DURABLE if durable else _FLEETING)
        await self._begin()
        try:
            for job in jobs:
                self._run(job)
            if durable:
                await asyncio.get_running_loop().run_in_executor(self._disk, raw.execute, "COMMIT")
            else:
                raw.execute("COMMIT")
        finally:
            if raw.in_transaction:
                raw.execute("ROLLBACK")

    def _switch(self, mode: tuple[str, str]) -> None:
        if mode is not self._mode:
            for pragma in mode:
                self._writer.raw.execute(pragma)
            self._mode = mode

    async def _begin(self) -> None:
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                self._writer.raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.005)

    def _run(self, job: _Job) -> None:
        raw = self._writer.raw
        raw.execute("SAVEPOINT job")
        try:
            job.value = job.fn(self._writer)
        except Exception as error:
            if not raw.in_transaction:
                raise  # a full or failing disk undid the whole transaction, not only this job
            raw.execute("ROLLBACK TO job")
            if isinstance(error, TryAgain):  # there is one writer: nobody can have been in between
                raise RuntimeError("a function asked for another try where it had no rival") from error
            job.error = _unavailable(error) if isinstance(error, sqlite3.OperationalError) else error
        raw.execute("RELEASE job")


def _connect(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=256)
    for pragma in ("wal_autocheckpoint=0", "cache_size=-16000", "temp_store=MEMORY", "journal_size_limit=16777216"):
        raw.execute(f"PRAGMA {pragma}")
    return raw


def _wait_for_wal(raw: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; needs the file for itself for a moment."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _unavailable(error: Exception) -> LedgerUnavailable:
    return LedgerUnavailable(f"the database can't be used now: {error}")
