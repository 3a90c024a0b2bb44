"""The demo shop as shoppers and operators meet it: the real command in its own process, real model, real mail."""

from __future__ import annotations

import email
import email.policy
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.running_site import free_port

ROOT = Path(__file__).parents[2]
PARTS = ("config.yml", "endpoints.yml", "credentials.yml", "domain", "nlu_data", "actions")
COMMAND = str(Path(sys.executable).with_name("shoptalk"))
LINK = re.compile(r"\S+/desk/login\?link=\S+")


def copied(target: Path) -> Path:
    """The demo shop's own files in a folder of their own."""
    target.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / part)
    return target


@dataclass(frozen=True)
class Facts:
    """What the shop's database says of one order."""

    number: str
    email: str
    tracking: str
    price_cents: int


class Demo:
    """One running server of a project.

    Args:
        project: its folder, with a trained model.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.log = project / "serve.log"

    def start(self) -> Demo:
        command = [COMMAND, "run", "--project", str(self.project), "--port", str(self.port), "--enable-api"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/ready", timeout=5):
                    return self
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise AssertionError(f"not ready: {self.log.read_text()}")

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def call(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON answer of a GET, or of a POST when there is a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def say(self, sender: str, text: str, *, message_id: str | None = None) -> list[dict[str, Any]]:
        """What the bot answers through the REST channel."""
        body = {"sender": sender, "message": text, "message_id": message_id or uuid.uuid4().hex}
        status, answer = self.call("/webhooks/rest/webhook", body)
        assert status == 200, answer
        messages: list[dict[str, Any]] = answer
        return messages

    def words(self, sender: str, text: str) -> str:
        """The answer as one text, cards included."""
        return json.dumps(self.say(sender, text), ensure_ascii=False)

    def tracker(self, sender: str) -> dict[str, Any]:
        status, tracker = self.call(f"/conversations/{sender}/tracker?include_events=ALL")
        assert status == 200
        return dict(tracker)

    def mails(self) -> list[str]:
        """Texts of the mails in the development mailbox, oldest first."""
        files = sorted((self.project / "var" / "mailbox").glob("*.eml"))
        return [str(email.message_from_bytes(f.read_bytes(), policy=email.policy.default)) for f in files]

    def code(self, *, after: int) -> str:
        """The code of the newest mail; waits until there are more than `after` mails."""
        deadline = time.monotonic() + 20
        while len(self.mails()) <= after:
            assert time.monotonic() < deadline, "no mail came"
            time.sleep(0.05)
        message = email.message_from_string(self.mails()[-1], policy=email.policy.default)
        found = re.search(r"\b\d{6}\b", message.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        assert found, "the mail holds no code"
        return found.group()

    def login_link(self) -> str:
        """The newest one-time link that the server printed."""
        found = LINK.findall(self.log.read_text())
        assert found, "no login link was printed"
        return str(found[-1])

    def facts(self, *, other_than: str = "") -> Facts:
        """An order that is on its way, with a parcel number, as the shop's database has it; of another customer."""
        self.say("opens-the-database", "where is my order #W0000000")
        with sqlite3.connect(self.project / "var" / "shop.db") as database:
            row = database.execute(
                """SELECT o.number, c.email, s.tracking_id, i.price_cents FROM shop_order AS o
                JOIN shop_customer AS c ON c.id = o.customer_id JOIN shop_shipment AS s ON s.order_number = o.number
                JOIN shop_order_item AS i ON i.order_number = o.number AND i.position = 0
                WHERE o.status = 'processed' AND c.email <> ? ORDER BY o.number LIMIT 1""",
                (other_than,),
            ).fetchone()
        return Facts(*row)
