"""Mail: a real SMTP server, the mailbox folder, the queue's patience."""

from __future__ import annotations

import email
import email.policy
import logging
import socket
import ssl
import subprocess
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

from bot.errors import ProjectError
from bot.shop.mail import MailboxMailer, MailError, SmtpMailer, code_mail
from bot.shop.mail_queue import MailQueue
from bot.shop.settings import read_settings


def mail(language: str = "en", to: str = "ann@example.org") -> EmailMessage:
    return code_mail(
        to, code="012345", name="Ann", language=language, minutes=10, shop="衣服店", sender="s@example.org"
    )


class Inbox:
    """aiosmtpd's handler: keeps what comes in, refuses as often as told."""

    def __init__(self, refusals: int = 0) -> None:
        self.envelopes: list[Envelope] = []
        self.refusals = refusals

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.refusals:
            self.refusals -= 1
            return f"451 {envelope.rcpt_tos[0]} is busy"
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def start(inbox: Inbox, **options: Any) -> Controller:
    with socket.socket() as probe:  # Controller knocks at its own port and so can't be given port 0
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=10, **options)
    controller.start()
    return controller


@pytest.mark.parametrize(("language", "subject"), [("en", "Your one-time code"), ("zh", "您的一次性验证码")])
def test_smtp_takes_the_mail_in_both_languages(language: str, subject: str) -> None:
    inbox = Inbox()
    controller = start(inbox)
    try:
        SmtpMailer("127.0.0.1", controller.port, security="none").send(mail(language))
    finally:
        controller.stop()
    (envelope,) = inbox.envelopes
    assert envelope.rcpt_tos == ["ann@example.org"]
    parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert parsed["Subject"] == f"{subject} · 衣服店"
    assert "    012345\n" in parsed.get_content().replace("\r\n", "\n")


def test_starttls_with_login_and_checked_certificate(certificate: Path) -> None:
    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"shop", b"pass word"), handled=False)

    inbox = Inbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    controller = start(inbox, tls_context=context, require_starttls=True, authenticator=login, auth_required=True)
    try:
        port, ca_file = controller.port, str(certificate / "cert.pem")
        good = SmtpMailer("localhost", port, user="shop", password="pass word", ca_file=ca_file)
        good.send(mail())
        with pytest.raises(MailError, match="AuthenticationError"):
            SmtpMailer("localhost", port, user="shop", password="no", ca_file=ca_file).send(mail())
        with pytest.raises(MailError, match="SSLCertVerificationError"):
            SmtpMailer("localhost", port, user="shop", password="pass word").send(mail())
        assert "pass word" not in repr(good)
    finally:
        controller.stop()
    assert len(inbox.envelopes) == 1


def test_queue_tries_again_and_logs_no_address(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox(refusals=2)
    controller = start(inbox)
    done: list[bool] = []
    try:
        queue = MailQueue(SmtpMailer("127.0.0.1", controller.port, security="none"), pauses_s=(0.01, 0.01))
        queue.put(mail, done.append)
        queue.close()
        inbox.refusals = 9
        queue.put(mail, done.append)
        queue.close()
    finally:
        controller.stop()
    assert done == [True, False]
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    assert "ann@" not in caplog.text
    assert "012345" not in caplog.text


def test_no_server_is_a_mail_error() -> None:
    with pytest.raises(MailError, match="ConnectionRefusedError"):
        SmtpMailer("127.0.0.1", 1, security="none", timeout_s=1).send(mail())


def test_mailbox_shows_whole_mails_only_and_keeps_the_newest(tmp_path: Path) -> None:
    mailer = MailboxMailer(tmp_path / "box", keep=5)
    threads = [threading.Thread(target=mailer.send, args=(mail(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = sorted(path.name for path in (tmp_path / "box").iterdir())
    assert len(names) == 5
    assert all(name.endswith(".eml") for name in names)
    assert (tmp_path / "box").stat().st_mode & 0o077 == 0


def test_mailbox_that_can_not_be_written_is_a_mail_error(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("a file")
    with pytest.raises(MailError):
        MailboxMailer(tmp_path / "box").send(mail())


def test_settings_and_their_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = read_settings(tmp_path)
    assert plain.url == "sqlite:///var/shop.db"
    assert plain.mailer == MailboxMailer(tmp_path / "var/mailbox")
    assert read_settings(tmp_path).key == plain.key, "the key file is made once"
    assert (tmp_path / "var/shop.key").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("SMTP_SECRET", "s3cret")
    (tmp_path / "endpoints.yml").write_text(
        "shop:\n  url: postgresql://h/d\n  name: Shoe shop\n  secret: 0123456789abcdefX\n"
        "mail:\n  type: smtp\n  host: mx\n  port: 465\n  security: tls\n  password: ${SMTP_SECRET}\n"
    )
    smtp = read_settings(tmp_path)
    assert smtp.mailer == SmtpMailer("mx", 465, password="s3cret", security="tls")
    assert (smtp.name, smtp.key) == ("Shoe shop", b"0123456789abcdefX")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mail:\n  typ: smtp\n", "'typ'"),
        ("mail:\n  type: pigeon\n", "mailbox or smtp"),
        ("mail:\n  type: smtp\n", "host"),
        ("mail:\n  type: smtp\n  host: h\n  security: maybe\n", "starttls"),
        ("mail:\n  type: smtp\n  host: h\n  port: many\n", "number"),
        ("shop:\n  secret: short\n", "shorter"),
        ("shop:\n  dsn: x\n", "'dsn'"),
    ],
)
def test_wrong_settings_are_explained(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "endpoints.yml").write_text(text)
    with pytest.raises(ProjectError, match=says):
        read_settings(tmp_path)
