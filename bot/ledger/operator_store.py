"""Operators: who they are, their login links, sessions and presence.

Passwords are hashed by whoever takes them in (the desk); here only the hash is stored. Links and session tokens are 32
random bytes of which only the SHA-256 is kept, so a copy of the database lets nobody in.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from bot.errors import LedgerError
from bot.ledger.database import Connection, Database, Row

LINK_TTL_S = 24 * 3600.0
SESSION_TTL_S = 14 * 24 * 3600.0
FAILURE_WINDOW_S = 15 * 60.0

Role = Literal["operator", "admin"]
State = Literal["online", "away"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_COLUMNS = "name, display_name, role, disabled, state, seen_at, password_hash IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Operator:
    """One person. `seen_at`: when their desk last said that it is open, seconds since the epoch."""

    name: str
    display_name: str
    role: Role
    disabled: bool
    state: State
    seen_at: float
    has_password: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A login. `token` goes into the cookie; `csrf` must come back in a header with each change."""

    token: str
    csrf: str
    operator: Operator


class OperatorStore:
    """Operators over the ledger's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, name: str, *, display_name: str = "", role: Role = "operator") -> Operator:
        """Add a person, who can log in only with a login link at first.

        Args:
            name: lower-case letters, digits, `.`, `_`, `-`; at most 64.
            display_name: what shoppers see; the name itself when empty.

        Raises:
            LedgerError: the name is taken, or is no name.
        """
        if not _NAME.fullmatch(name):
            raise LedgerError(f"{name!r} is no login name: use small letters, digits, '.', '_' or '-', at most 64")
        known_as = shown(display_name) or name

        def run(connection: Connection) -> None:
            if connection.row("SELECT 1 FROM operator WHERE name = ?", name):
                raise LedgerError(f"there is an operator {name} already; a new link: shoptalk operator link {name}")
            sql = "INSERT INTO operator (name, display_name, role, created_at) VALUES (?, ?, ?, {now})"
            connection.run(sql, name, known_as, role)

        await self._database.write(run)
        return Operator(name, known_as, role, False, "online", 0.0, False)

    async def operators(self) -> list[Operator]:
        """Everyone, by name."""
        sql = f"SELECT {_COLUMNS} FROM operator ORDER BY name"  # noqa: S608
        return [_operator(row) for row in await self._database.read(lambda connection: connection.rows(sql))]

    async def operator(self, name: str) -> Operator | None:
        return await self._database.read(lambda connection: _find(connection, name))

    async def disable(self, name: str) -> None:
        """Lock a person out at once: sessions and links end. Raises LedgerError for an unknown name."""

        def run(connection: Connection) -> None:
            if not connection.run("UPDATE operator SET disabled = 1 WHERE name = ?", name):
                raise _unknown(name)
            _end_all(connection, name)

        await self._database.write(run)

    async def make_link(self, name: str) -> str:
        """A one-time login token, valid for LINK_TTL_S; earlier links end, and a disabled person may come in again.

        Raises:
            LedgerError: unknown name.
        """
        token = secrets.token_urlsafe(32)

        def run(connection: Connection) -> None:
            if not connection.run("UPDATE operator SET disabled = 0 WHERE name = ?", name):
                raise _unknown(name)
            connection.run("DELETE FROM login_link WHERE operator = ? OR expires_at < {now}", name)
            sql = "INSERT INTO login_link (token_hash, operator, expires_at) VALUES (?, ?, {now} + ?)"
            connection.run(sql, _hash(token), name, LINK_TTL_S)

        await self._database.write(run)
        return token

    async def link_owner(self, token: str) -> Operator | None:
        """Whose link this is; None when it is used up, too old or unknown."""
        return await self._database.read(lambda connection: _link_owner(connection, token))

    async def use_link(self, token: str, password_hash: str, *, display_name: str = "") -> Operator | None:
        """Use the link up and set the password; all sessions of the person end. None when the link is not valid.

        Args:
            token: of the link.
            password_hash: argon2id.
            display_name: what shoppers see from now on; left as it is when empty.
        """

        def run(connection: Connection) -> Operator | None:
            # Deleting it is what proves that nobody else has used it at the same moment.
            taken = "DELETE FROM login_link WHERE token_hash = ? AND expires_at > {now} RETURNING operator"
            row = connection.row(taken, _hash(token))
            operator = _find(connection, row[0]) if row else None
            if operator is None:
                return None
            sql = "UPDATE operator SET password_hash = ?, display_name = ? WHERE name = ?"
            connection.run(sql, password_hash, shown(display_name) or operator.display_name, operator.name)
            _end_all(connection, operator.name)
            return _find(connection, operator.name)

        return await self._database.write(run)

    async def password_hash(self, name: str) -> str | None:
        """The stored hash; None for an unknown or disabled person, or one without a password."""
        sql = "SELECT password_hash FROM operator WHERE name = ? AND disabled = 0"
        row = await self._database.read(lambda connection: connection.row(sql, name))
        return row[0] if row else None

    async def failures(self, key: str) -> int:
        """Failed tries with this key within FAILURE_WINDOW_S."""
        sql = "SELECT COUNT(*) FROM login_failure WHERE key = ? AND at > {now} - ?"
        row = await self._database.read(lambda connection: connection.row(sql, key, FAILURE_WINDOW_S))
        return int(row[0]) if row else 0

    async def failed(self, key: str) -> None:
        """Count a failed try; old ones are forgotten."""

        def run(connection: Connection) -> None:
            connection.run("DELETE FROM login_failure WHERE at < {now} - ?", FAILURE_WINDOW_S)
            connection.run("INSERT INTO login_failure (key, at) VALUES (?, {now})", key)

        await self._database.write(run)

    async def start_session(self, name: str) -> Session:
        """Log a person in. Raises LedgerError for an unknown name."""
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(16)

        def run(connection: Connection) -> Operator:
            operator = _find(connection, name)
            if operator is None:
                raise _unknown(name)
            connection.run("DELETE FROM operator_session WHERE expires_at < {now}")
            sql = "INSERT INTO operator_session (token_hash, operator, csrf, expires_at) VALUES (?, ?, ?, {now} + ?)"
            connection.run(sql, _hash(token), name, csrf, SESSION_TTL_S)
            return operator

        return Session(token, csrf, await self._database.write(run))

    async def session(self, token: str) -> Session | None:
        """The live session of a cookie; None when it ended, or its owner was disabled."""
        sql = "SELECT operator, csrf FROM operator_session WHERE token_hash = ? AND expires_at > {now}"

        def run(connection: Connection) -> Session | None:
            row = connection.row(sql, _hash(token))
            operator = _find(connection, row[0]) if row else None
            if row is None or operator is None or operator.disabled:
                return None
            return Session(token, row[1], operator)

        return await self._database.read(run)

    async def end_session(self, token: str) -> None:
        """Log out."""
        sql = "DELETE FROM operator_session WHERE token_hash = ?"
        await self._database.write(lambda connection: connection.run(sql, _hash(token)))

    async def set_state(self, name: str, state: State) -> None:
        """What the operator chose: there, or away. Choosing makes nobody present; an open desk does (see `seen`)."""
        sql = "UPDATE operator SET state = ? WHERE name = ?"
        await self._database.write(lambda connection: connection.run(sql, state, name))

    async def seen(self, name: str) -> None:
        """The operator's desk is open now. Losing this in a power cut does no harm."""
        sql = "UPDATE operator SET seen_at = {now} WHERE name = ?"
        await self._database.write(lambda connection: connection.run(sql, name), durable=False)

    async def left(self, name: str) -> None:
        """The operator's last desk was closed."""
        sql = "UPDATE operator SET seen_at = 0 WHERE name = ?"
        await self._database.write(lambda connection: connection.run(sql, name), durable=False)

    async def anyone_present(self, *, within_s: float = 45.0) -> bool:
        """Whether somebody who is not away had their desk open just now."""
        sql = "SELECT 1 FROM operator WHERE disabled = 0 AND state = 'online' AND seen_at > {now} - ? LIMIT 1"
        return await self._database.read(lambda connection: connection.row(sql, within_s)) is not None

    async def audit(self, operator: str, what: str, conversation_id: str | None = None) -> None:
        """Note who did what."""
        sql = "INSERT INTO audit (at, operator, what, conversation_id) VALUES ({now}, ?, ?, ?)"
        await self._database.write(lambda connection: connection.run(sql, operator, what, conversation_id))


def shown(display_name: str) -> str:
    """A display name in one line without invisible characters, at most 80; it stands in shoppers' chats."""
    visible = "".join(character if character.isprintable() else " " for character in display_name)
    return " ".join(visible.split())[:80]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _operator(row: Row) -> Operator:
    name, display_name, role, disabled, state, seen_at, has_password = row
    return Operator(name, display_name, role, bool(disabled), state, seen_at, bool(has_password))


def _find(connection: Connection, name: str) -> Operator | None:
    row = connection.row(f"SELECT {_COLUMNS} FROM operator WHERE name = ?", name)  # noqa: S608
    return _operator(row) if row else None


def _link_owner(connection: Connection, token: str) -> Operator | None:
    sql = "SELECT operator FROM login_link WHERE token_hash = ? AND expires_at > {now}"
    row = connection.row(sql, _hash(token))
    return _find(connection, row[0]) if row else None


def _end_all(connection: Connection, name: str) -> None:
    connection.run("DELETE FROM operator_session WHERE operator = ?", name)
    connection.run("DELETE FROM login_link WHERE operator = ?", name)


def _unknown(name: str) -> LedgerError:
    return LedgerError(f"there is no operator {name!r}; `shoptalk operator list` shows all")
