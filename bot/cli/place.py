"""Where a project's running state lives, and the secret that signs sessions and buttons."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.config import Endpoints
from bot.errors import ShoptalkError

SECRET_BYTES = 32
SCHEMES = ("sqlite:///", "postgresql://", "postgres://", "postgresql+pg8000://")


@dataclass(frozen=True, slots=True)
class Place:
    """The project's folder and, below it, `var/` (database, mailbox, secret) and `models/`."""

    project: Path

    @property
    def var(self) -> Path:
        return self.project / "var"

    @property
    def models(self) -> Path:
        return self.project / "models"

    def ledger_url(self, endpoints: Endpoints) -> str:
        """`ledger: {url: ...}` of endpoints.yml; by default a SQLite file. A relative SQLite path is the project's.

        Raises:
            ShoptalkError: it is no address of a database.
        """
        url = str(endpoints.section("ledger").get("url") or "sqlite:///var/ledger.db")
        if not url.startswith(SCHEMES):
            advice = "write sqlite:///var/ledger.db or postgresql://user:password@host/name"
            raise ShoptalkError(f"endpoints.yml, ledger: url: {url!r} is no address of a database; {advice}")
        path = url.removeprefix("sqlite:///")
        if path == url or path.startswith("/"):
            return url
        return f"sqlite:///{(self.project / path).resolve()}"

    def secret(self) -> bytes:
        """The key in `var/secret`, made at the first start; deleting the file ends all shoppers' sessions.

        Raises:
            ShoptalkError: the file can't be read or written, or is too short.
        """
        path = self.var / "secret"
        try:
            self.var.mkdir(parents=True, exist_ok=True)
            try:
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                pass
            else:
                with os.fdopen(file, "w") as out:
                    out.write(secrets.token_hex(SECRET_BYTES))
            key = path.read_text().strip().encode()
        except OSError as error:
            raise ShoptalkError(f"{path} can't be used: {error}. The server needs to write below {self.var}") from error
        if len(key) < SECRET_BYTES:
            raise ShoptalkError(f"{path} holds no key: delete it, and a new one is made (shoppers start new sessions)")
        return key
