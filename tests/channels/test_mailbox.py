"""The development mailbox: newest first, text only, this machine only."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import pytest

from connectors.mailbox.mailbox import Mailbox
from tests.fakes.running_site import RunningSite


def put(folder: Path, name: str, text: str, *, time: float, subject: str = "Code") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", "ana@example.com", subject
    mail.set_content(text)
    mail.add_alternative("<b onclick=alert(1)>html part</b>", subtype="html")
    path = folder / f"{name}.eml"
    path.write_bytes(bytes(mail))
    os.utime(path, (time, time))


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    folder = tmp_path / "mail"
    running = RunningSite(tmp_path, mounts=lambda _: [Mailbox(folder)]).start()
    async with aiohttp.ClientSession(running.url) as session:
        yield session
    running.stop()


async def test_an_empty_or_missing_folder_is_no_error(http: aiohttp.ClientSession) -> None:
    async with http.get("/mailbox") as answer:
        assert answer.status == 200
        assert "No mail yet" in await answer.text()


async def test_newest_first_and_nothing_as_markup(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    put(folder, "1", "old 代码 111111", time=1000)
    put(folder, "2", "new <script>alert(1)</script>", time=2000, subject="<img src=x onerror=alert(1)>")
    (folder / "3.eml").write_bytes(b"\xff\xfe garbage without headers")
    (folder / "note.txt").write_text("not a mail")
    async with http.get("/mailbox") as answer:
        page = await answer.text()
    assert page.index("new ") < page.index("old 代码 111111")
    assert "<script>" not in page
    assert "<img" not in page
    assert "html part" not in page
    assert "not a mail" not in page


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}]
)
async def test_only_for_this_machine(http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with http.get("/mailbox", headers=headers) as answer:
        assert answer.status == 403
