"""Every route of the desk against everybody who may not call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.desk.conftest import Operating, Shop

OPEN = {
    ("GET", "/desk/login"),
    ("POST", "/desk/api/login"),
    ("POST", "/desk/api/link"),
    ("POST", "/desk/api/password"),
}
"""What works without a session; files of the page aside."""
PAGE = ("GET", "/desk")
OWNED = ("say", "typing", "hand-back", "resolve")
BODY = {"conversation": "rest:sam", "id": "0123456789", "text": "hello", "state": "away"}


def routes(shop: Shop) -> Iterator[tuple[str, str]]:
    for route in shop.desk.routes():
        assert isinstance(route, web.RouteDef)
        if not route.path.endswith((".js", ".css", ".svg")):
            yield route.method, route.path


async def call(browser: Operating, method: str, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    given = {"X-CSRF-Token": browser.csrf, **headers}
    body = BODY if method == "POST" else None
    async with browser.http.request(method, f"{browser.url}{path}", json=body, headers=given) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else {}


async def test_nothing_without_a_session(shop: Shop) -> None:
    seen = 0
    for method, path in routes(shop):
        if (method, path) in OPEN or (method, path) == PAGE:
            continue
        status, body = await call(shop.browser(), method, path)
        assert (status, body["code"]) == (401, "login"), path
        assert all(body[name] for name in ("message", "message_zh")), path
        seen += 1
    assert seen >= 12


async def test_nothing_for_a_page_of_another_site(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "human")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for method, path in routes(shop):
            if path in ("/desk", "/desk/login"):
                continue
            status, body = await call(ana, method, path, **headers)
            assert (status, body["code"]) == (403, "origin"), (path, headers)
    assert await shop.status("sam") == "queued"


async def test_no_change_without_the_token(shop: Shop) -> None:
    ana, ben = await shop.operator("ana"), await shop.operator("ben")
    await shop.write("sam", "human")
    seen = 0
    for method, path in routes(shop):
        if method == "GET" or (method, path) in OPEN:
            continue
        for token in ("", "wrong", ben.csrf, ana.csrf[:-1]):
            status, body = await call(ana, method, path, **{"X-CSRF-Token": token})
            assert (status, body["code"]) == (403, "csrf"), (path, token)
        seen += 1
    assert seen == 7
    assert await shop.status("sam") == "queued"


async def test_nothing_in_a_conversation_of_another_operator(shop: Shop) -> None:
    ana, ben = await shop.operator("ana", display_name="Ana Ng"), await shop.operator("ben")
    await shop.write("sam", "human")
    assert (await ana.post("claim", {"conversation": "rest:sam"}))[0] == 200
    before = await shop.lines("sam")
    status, body = await ben.post("claim", {"conversation": "rest:sam"})
    assert (status, body["code"]) == (409, "taken")
    assert "Ana Ng" in body["message"]
    assert "Ana Ng" in body["message_zh"]
    for path in OWNED:
        status, body = await ben.post(path, BODY)
        assert (status, body["code"]) == (403, "not_yours"), path
        assert "Ana Ng" in body["message"]
        assert "Ana Ng" in body["message_zh"]
    assert await shop.lines("sam") == before
    row = await shop.store.desk.conversation("rest:sam")
    assert row is not None
    assert (row.status, row.operator) == ("human", "ana")


async def test_nothing_in_a_conversation_that_nobody_claimed(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "hello")
    for path in OWNED:
        status, body = await ana.post(path, BODY)
        assert (status, body["code"]) == (403, "not_claimed"), path


async def test_an_admin_frees_what_somebody_left_behind(shop: Shop) -> None:
    ana, chief = await shop.operator("ana", display_name="Ana"), await shop.operator("chief", role="admin")
    await shop.write("sam", "human")
    await ana.post("claim", {"conversation": "rest:sam"})
    assert (await chief.post("say", BODY))[0] == 403
    assert (await chief.post("hand-back", {"conversation": "rest:sam"}))[0] == 200
    assert await shop.status("sam") == "bot"
    assert ("system", "Ana has left the chat.") in await shop.lines("sam")
    audit = await shop.store.database.read(lambda connection: connection.rows("SELECT operator, what FROM audit"))
    assert ("chief", "hand back") in [tuple(row) for row in audit]


@pytest.mark.parametrize(
    "conversation", [None, "", "rest:nobody", 5, ["rest:sam"], {"a": 1}, "x" * 700, "rest:sam\u202e"]
)
async def test_an_unknown_conversation_is_404(shop: Shop, conversation: object) -> None:
    ana = await shop.operator("ana")
    for path in ("claim", *OWNED):
        status, body = await ana.post(path, {**BODY, "conversation": conversation})
        assert (status, body["code"]) == (404, "no_conversation"), path
    for path in ("conversation", "transcript"):
        assert (await ana.get(path, id=str(conversation)))[0] == 404


async def test_rubbish_is_answered_with_4xx(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "human")
    await ana.post("claim", {"conversation": "rest:sam"})
    for change in ({"id": "short"}, {"id": None}, {"text": ""}, {"text": 5}, {"text": "x" * 4001}, {"text": " \n "}):
        assert (await ana.post("say", {**BODY, **change}))[0] == 400, change
    for state in (None, "ONLINE", 1, "busy"):
        assert (await ana.post("presence", {"state": state}))[0] == 400
    for number in ("-1", "x", "1e3", "9" * 40, "١"):
        assert (await ana.get("transcript", id="rest:sam", after=number))[0] == 400
        assert (await ana.get("transcript", id="rest:sam", before=number))[0] == 400
    for data in (b"", b"[]", b"{", b'{"text": "\\ud800"}', b"[" * 5000, b"\xff\xfe"):
        headers = {"X-CSRF-Token": ana.csrf}
        async with ana.http.post(f"{shop.url}/desk/api/say", data=data, headers=headers) as answer:
            assert answer.status == 400
    for data in (b"x" * 10, b"{}", b'{"type": "open"}', b'{"type": "open", "conversation": "a", "after": -1}'):
        async with ana.http.ws_connect(f"{shop.url}/desk/socket", origin=shop.url) as socket:
            await socket.receive_json(timeout=5)
            await socket.send_str(data.decode())
            assert (await socket.receive_json(timeout=5))["type"] == "error"
