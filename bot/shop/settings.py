"""The sections `shop` and `mail` of endpoints.yml."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from bot.config import read_endpoints
from bot.errors import Mark, Problem, ProjectError
from bot.shop.mail import MailboxMailer, Mailer, SmtpMailer

SHOP_KEYS = ("url", "name", "secret")
MAIL_KEYS = ("type", "folder", "host", "port", "user", "password", "sender", "security", "timeout_s", "ca_file")
SECRET_FILE = Path("var/shop.key")
SECRET_MIN_CHARS = 16


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """What `Shop.open` needs.

    Args:
        url: of the database.
        name: of the shop, as mails have it.
        sender: From address of mails.
        mailer: sends them.
        key: secret for hashes; from `secret`, else from a file that is made once.
    """

    url: str
    name: str
    sender: str
    mailer: Mailer
    key: bytes


def read_settings(project: Path) -> ShopSettings:
    """Read a project's settings; what is absent takes its default.

    Args:
        project: the folder; SHOPTALK_ENDPOINTS may name another endpoints file.

    Raises:
        ProjectError: a key or value is wrong.
    """
    path = Path(os.environ.get("SHOPTALK_ENDPOINTS") or project / "endpoints.yml")
    endpoints = read_endpoints(path)
    shop, mail = endpoints.section("shop"), endpoints.section("mail")
    problems = [
        Problem(Mark(path.name), f"`{section}:` has no setting {key!r}.", f"Known are: {', '.join(known)}.")
        for section, found, known in (("shop", shop, SHOP_KEYS), ("mail", mail, MAIL_KEYS))
        for key in found
        if key not in known
    ]
    mailer = _mailer(mail, project, path.name, problems)
    if problems or mailer is None:
        raise ProjectError(problems)
    name = str(shop.get("name") or "Shoptalk demo shop")
    return ShopSettings(
        url=str(shop.get("url") or "sqlite:///var/shop.db"),
        name=name,
        sender=str(mail.get("sender") or f"{name} <shop@shoptalk.invalid>"),
        mailer=mailer,
        key=_key(shop, project, path.name),
    )


def _mailer(mail: Mapping[str, Any], project: Path, file: str, problems: list[Problem]) -> Mailer | None:
    kind = mail.get("type", "mailbox")
    if kind == "mailbox":
        return MailboxMailer(project / str(mail.get("folder") or "var/mailbox"))
    if kind != "smtp":
        problems.append(Problem(Mark(file), f"`mail: type:` is {kind!r}.", "It is mailbox or smtp."))
        return None
    security = str(mail.get("security", "starttls"))
    if not mail.get("host"):
        problems.append(Problem(Mark(file), "`mail:` of type smtp needs a `host`."))
    if security not in ("starttls", "tls", "none"):
        problems.append(Problem(Mark(file), f"`mail: security:` is {security!r}.", "It is starttls, tls or none."))
    try:
        port, timeout_s = int(mail.get("port", 587)), float(mail.get("timeout_s", 10.0))
    except (TypeError, ValueError):
        problems.append(Problem(Mark(file), "`mail: port:` and `timeout_s:` are numbers."))
        return None
    return SmtpMailer(
        str(mail.get("host") or ""),
        port,
        user=str(mail.get("user") or ""),
        password=str(mail.get("password") or ""),
        security=cast(Literal["starttls", "tls", "none"], security),
        timeout_s=timeout_s,
        ca_file=str(mail.get("ca_file") or ""),
    )


def _key(shop: Mapping[str, Any], project: Path, file: str) -> bytes:
    secret = str(shop.get("secret") or "")
    if secret:
        if len(secret) < SECRET_MIN_CHARS:
            advice = "For example: openssl rand -hex 32"
            raise ProjectError([Problem(Mark(file), f"`shop: secret:` is shorter than {SECRET_MIN_CHARS}.", advice)])
        return secret.encode()
    return _key_file(project / SECRET_FILE)


def _key_file(path: Path) -> bytes:
    """The key in a file only its owner reads; made whole before it gets its name, so that two starts agree."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(part, path)
        except FileExistsError:
            pass  # the other start was first; its key is the one
        finally:
            part.unlink()
    return path.read_text().strip().encode()
