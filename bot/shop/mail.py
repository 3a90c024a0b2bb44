"""Mail that the shop sends: the one-time code. To an SMTP server, or into a folder while developing."""

from __future__ import annotations

import os
import secrets
import smtplib
import ssl
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Literal, Protocol

from bot.shop.orders import ShopError


class MailError(ShopError):
    """A mail could not be handed over. The text names the kind of failure, never an address."""


class Mailer(Protocol):
    """Hands a finished mail over; blocks. Raises MailError."""

    def send(self, mail: EmailMessage) -> None: ...


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """Sends through an SMTP server.

    Args:
        host: of the server.
        port: 587 for STARTTLS, 465 for TLS from the start, 25 for a relay on the same machine.
        user: empty for a server that wants no login.
        password: of the user.
        security: `starttls` and `tls` check the server's certificate; `none` is for a relay on loopback.
        timeout_s: for each step of the dialogue.
        ca_file: PEM file of the certificate authority, for a company's own; empty for the system's.
    """

    host: str
    port: int = 587
    user: str = ""
    password: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"
    timeout_s: float = 10.0
    ca_file: str = ""

    def __repr__(self) -> str:
        return f"SmtpMailer({self.host}:{self.port}, {self.security})"

    def send(self, mail: EmailMessage) -> None:
        try:
            with self._connect() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except (smtplib.SMTPException, OSError) as error:
            # Not chained: servers repeat the address in their refusal.
            raise MailError(f"mail server {self.host}:{self.port}: {type(error).__name__}") from None

    def _connect(self) -> smtplib.SMTP:
        if self.security == "none":
            return smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


@dataclass(frozen=True, slots=True)
class MailboxMailer:
    """Writes each mail as a `.eml` file; a page of the development server shows them.

    Args:
        folder: created with access for the owner only.
        keep: how many mails stay; older ones are deleted.
    """

    folder: Path
    keep: int = 200

    def send(self, mail: EmailMessage) -> None:
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        part = self.folder / f".{name}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(mail.as_bytes())
            part.replace(self.folder / f"{name}.eml")
            for old in sorted(self.folder.glob("*.eml"))[: -self.keep]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise MailError(f"mailbox folder: {type(error).__name__}") from None


CODE_TEXT = {
    "en": (
        "Your one-time code",
        "Hello {name},\n\nsomebody, we hope you, is asking about an order in a chat with {shop}. The code is:\n\n"
        "    {code}\n\nIt is valid for {minutes} minutes and works once, in that chat only. Nobody from the shop will "
        "ever ask you for it on the telephone.\n\nIf it wasn't you, just delete this mail: without the code nobody "
        "sees your order.\n\n{shop}\n",
    ),
    "zh": (
        "您的一次性验证码",
        "{name}，您好！\n\n有人（希望就是您本人）正在 {shop} 的在线客服中查询订单。验证码是：\n\n    {code}\n\n"
        "验证码 {minutes} 分钟内有效，只能使用一次，并且只在该会话中有效。本店工作人员绝不会打电话向您索要验证码。\n\n"
        "如果不是您本人操作，删除本邮件即可：没有验证码，任何人都看不到您的订单。\n\n{shop}\n",
    ),
}


def code_mail(to: str, *, code: str, name: str, language: str, minutes: int, shop: str, sender: str) -> EmailMessage:
    """The mail with a one-time code, in English or Chinese (any other language: English)."""
    subject, body = CODE_TEXT.get(language, CODE_TEXT["en"])
    mail = EmailMessage()
    mail["Subject"] = f"{subject} · {shop}"
    mail["From"] = sender
    mail["To"] = to
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="shoptalk.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body.format(name=name, shop=shop, code=code, minutes=minutes))
    return mail
