"""Action endpoints: what goes wrong in merchants' code or on the wire never silences or stops the bot."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, unused_port

from bot.action_server import MAX_BODY_BYTES, create_app
from bot.errors import ActionRejected, ActionUnavailable, ActionUnknown, ProjectError
from bot.execution.http_endpoint import HttpEndpoint
from bot.execution.in_process_endpoint import InProcessEndpoint
from bot.messages import Json
from tests.execution.shop_bot import SHOP, Talk, agent_with, endpoint_of, texts

CALL: Json = {
    "next_action": "action_carousel",
    "sender_id": "ana",
    "tracker": {"sender_id": "ana", "slots": {}, "latest_message": {"entities": []}, "events": []},
    "domain": {"slots": {}},
    "version": "3.6.21",
    "turn_id": "t1",
}


@asynccontextmanager
async def server_that(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/webhook", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/webhook"))


async def failure_of(url: str, **options: Any) -> str:
    endpoint = HttpEndpoint(url, timeout_s=0.5, **options)
    try:
        with pytest.raises(ActionUnavailable) as caught:
            await endpoint.run(CALL)
        return str(caught.value)
    finally:
        await endpoint.close()


async def test_dead_server() -> None:
    assert "ClientConnectorError" in await failure_of(f"http://127.0.0.1:{unused_port()}/webhook")


async def test_slow_server_is_given_up_at_the_deadline() -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.json_response({})

    async with server_that(slow) as url:
        began = time.perf_counter()
        assert "no answer within 0.5 s" in await failure_of(url)
        assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>nginx</html>", "no JSON object"),
        (200, b"[1, 2]", "no JSON object"),
        (200, b"[" * 100_000, "no JSON object"),
        (200, b"", "no JSON object"),
        (500, b"boom", "HTTP 500"),
        (503, b"{}", "HTTP 503"),
        (400, b"not json", "HTTP 400"),
        (302, b"", "HTTP 302"),
        (200, b'{"events": [' + b" " * 10_000_001, "longer than"),
    ],
)
async def test_rubbish_is_unavailable(status: int, body: bytes, words: str) -> None:
    async def rubbish(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async with server_that(rubbish) as url:
        assert words in await failure_of(url)


async def test_connection_cut_in_the_answer() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport
        request.transport.close()
        return response

    async with server_that(cut) as url:
        assert "Client" in await failure_of(url)


async def test_protocol_of_the_client() -> None:
    seen: list[tuple[Any, Any, Any]] = []

    async def hook(request: web.Request) -> web.Response:
        seen.append((await request.json(), dict(request.query), request.headers))
        if "domain" not in seen[-1][0]:
            return web.json_response({"error": "no domain", "action_name": "x"}, status=449)
        return web.json_response({"events": [], "responses": []})

    async with server_that(hook) as url:
        endpoint = HttpEndpoint(url, token="secret", headers={"X-Shop": "1"}, selective_domain=True)
        assert await endpoint.run(CALL) == {"events": [], "responses": []}
        await endpoint.close()
    assert ["domain" in call for call, _, _ in seen] == [False, True]
    assert seen[0][1] == {"token": "secret"}
    assert seen[0][2]["X-Shop"] == "1"
    assert "Content-Encoding" not in seen[0][2]
    assert seen[1][0] == CALL


async def test_call_has_the_recorded_keys() -> None:
    recorded = json.loads((Path(__file__).parent / "recorded_call.json").read_text())
    seen: list[Json] = []

    async def hook(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.json_response({"events": [], "responses": []})

    async with server_that(hook) as url:
        talk = Talk(agent_with(HttpEndpoint(url)))
        await talk.say("/track")
        await talk.say('/inform{"number": "123456"}')
        await talk.agent.close()
    call = seen[-1]
    assert call.pop("turn_id") == "t2"
    assert sorted(call) == sorted(recorded["call"])
    assert sorted(call["tracker"]) == sorted(recorded["tracker"])
    assert sorted(call["tracker"]["active_loop"]) == sorted(recorded["active_loop"])
    last = call["tracker"]["events"][-3:]
    assert [(event["event"], event["name"]) for event in last] == [
        ("slot", "requested_slot"), ("action", "track_form"), ("slot", "order_number")]  # fmt: skip
    assert all(isinstance(event["timestamp"], float) for event in call["tracker"]["events"])


# The server's side


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = create_app(InProcessEndpoint("actions", SHOP), **options)
    async with TestClient(TestServer(app)) as found:
        yield found


async def test_server_speaks_the_protocol() -> None:
    async with client() as http:
        assert await (await http.get("/health")).json() == {"status": "ok"}
        names = {entry["name"] for entry in await (await http.get("/actions")).json()}
        assert {"validate_track_form", "action_slow", "action_carousel"} <= names
        answer = await http.post("/webhook", json=CALL)
        assert answer.status == 200
        first = (await answer.json())["responses"][0]
        assert first["text"] == "Look"
        assert first["buttons"] == [{"title": "A", "payload": "/greet"}]
        unknown = await http.post("/webhook", json=CALL | {"next_action": "action_none"})
        assert (unknown.status, (await unknown.json())["action_name"]) == (404, "action_none")
        bare = await http.post("/webhook", json={k: v for k, v in CALL.items() if k != "domain"})
        assert (bare.status, (await bare.json())["action_name"]) == (449, "action_carousel")
        crash = await http.post("/webhook", json=CALL | {"next_action": "action_crash"})
        assert crash.status == 500
        assert "trouble.py" in (await crash.json())["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"next_action": "action_carousel"}',
        b'{"next_action": "action_carousel", "tracker": 1}',
        b'{"next_action": "action_carousel", "tracker": {"sender_id": "x", "events": 1}, "domain": {}}',
        b'{"next_action": "action_carousel", "tracker": {"sender_id": "x"}, "domain": [1]}',
        b"[" * 99999,
    ],
)
async def test_server_answers_malformed_calls_with_400(body: bytes) -> None:
    async with client() as http:
        answer = await http.post("/webhook", data=body, headers={"Content-Type": "application/json"})
        assert answer.status == 400
        assert (await answer.json())["error"]


async def test_server_reads_deflated_calls_and_refuses_bombs() -> None:
    async with client() as http:
        headers = {"Content-Type": "application/json", "Content-Encoding": "deflate"}
        good = await http.post("/webhook", data=zlib.compress(json.dumps(CALL).encode()), headers=headers)
        assert good.status == 200
        bomb = await http.post("/webhook", data=zlib.compress(b" " * (3 * MAX_BODY_BYTES)), headers=headers)
        assert bomb.status == 413
        long = await http.post("/webhook", data=b" " * (MAX_BODY_BYTES + 1))
        assert long.status == 413
        broken = await http.post("/webhook", data=b"\x00no zlib", headers=headers)
        assert broken.status == 400


async def test_server_checks_its_token() -> None:
    async with client(token="s3cret") as http:
        assert (await http.get("/actions")).status == 401
        assert (await http.get("/actions", params={"token": "s3cret"})).status == 200
        assert (await http.get("/actions", headers={"Authorization": "Bearer s3cret"})).status == 200
        assert (await http.get("/health")).status == 200


async def test_names_of_a_server_and_of_nobody() -> None:
    async with endpoint_of("http") as endpoint:
        assert "action_slow" in (await endpoint.names() or ())
    nobody = HttpEndpoint(f"http://127.0.0.1:{unused_port()}/webhook")
    assert await nobody.names() is None
    await nobody.close()


# What the shopper meets


@pytest.mark.parametrize("kind", ["here", "http"])
@pytest.mark.parametrize("intent", ["crash", "quit", "rubbish"])
async def test_a_failing_action_apologizes_and_offers_a_human(kind: str, intent: str) -> None:
    async with endpoint_of(kind) as endpoint:
        talk = Talk(agent_with(endpoint, language="en"))
        turn = await talk.say(f"/{intent}")
        if intent != "rubbish":  # rasa_sdk itself forgives an answer that is no list
            assert texts(turn)[0].startswith("Sorry, I can't do that")
            assert turn.messages[0].buttons == ({"title": "Talk to a person", "payload": "/action_handoff"},)
        assert turn.events[-1].to_json()["name"] == "action_listen"
        assert texts(await talk.say("/greet")) == ["Hello"]
        assert (await talk.say("/action_handoff")).status == "queued"


async def test_a_blocking_action_blocks_nobody_else_and_ends_at_the_deadline() -> None:
    async with endpoint_of("here", timeout_s=0.5) as endpoint:
        agent = agent_with(endpoint)
        slow = asyncio.create_task(Talk(agent, "slow").say("/slow"))
        began = time.perf_counter()
        others = [Talk(agent, f"o{i}") for i in range(10)]
        for talk in others:
            assert texts(await talk.say("/carousel"))[0] == "Look"
        assert time.perf_counter() - began < 0.5
        turn = await slow
        assert time.perf_counter() - began < 1.4
        assert turn.messages[0].buttons


@pytest.mark.parametrize("kind", ["here", "http"])
async def test_unusable_events_are_left_out_one_by_one(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async with endpoint_of(kind) as endpoint:
        talk = Talk(agent_with(endpoint))
        with caplog.at_level(logging.ERROR):
            turn = await talk.say("/bad_events")
    assert texts(turn) == ["and here"]
    assert talk.slots["seen"] == "kept"
    assert turn.status is None
    assert [event.type for event in turn.events].count("slot") == 1
    said = caplog.text
    for words in ("unknown event 'status'", "no_such_slot", "no_such_action", "`name` can't be list", "utter_missing"):
        assert words in said


async def test_an_action_changes_only_its_own_copy() -> None:
    async with endpoint_of("here") as endpoint:
        talk = Talk(agent_with(endpoint))
        turn = await talk.say("/carousel")  # Talk.say checks the tracker
        assert talk.slots["colour"] is None
        assert not any("forged" in json.dumps(event.to_json()) for event in turn.events)
        assert [message.image for message in turn.messages] == ["https://a/b.png", None]
        assert turn.messages[0].attachment is None
        assert turn.messages[1].custom == {"card": {"title": "Shirt"}}


async def test_an_action_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "actions.py").write_text(
        "from rasa_sdk import Action, ActionExecutionRejection\n"
        "class No(Action):\n"
        "    def name(self): return 'action_no'\n"
        "    def run(self, dispatcher, tracker, domain): raise ActionExecutionRejection('action_no', 'not today')\n"
    )
    here = InProcessEndpoint("actions", tmp_path)
    call = CALL | {"next_action": "action_no"}
    with pytest.raises(ActionRejected, match="not today"):
        await here.run(call)
    async with TestServer(create_app(here)) as server:
        there = HttpEndpoint(str(server.make_url("/webhook")))
        with pytest.raises(ActionRejected, match="not today"):
            await there.run(call)
        with pytest.raises(ActionUnknown):
            await there.run(call | {"next_action": "action_other"})
        await there.close()


# Loading


async def test_two_projects_in_one_process_keep_their_own_actions(tmp_path: Path) -> None:
    endpoints = []
    for shop in ("one", "two"):
        package = tmp_path / shop / "actions"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "words.py").write_text(f"WORD = {shop!r}\n")
        (package / "hello.py").write_text(
            "from actions.words import WORD\n"
            "from rasa_sdk import Action\n"
            "class Hello(Action):\n"
            "    def name(self): return 'action_hello'\n"
            "    def run(self, dispatcher, tracker, domain): dispatcher.utter_message(text=WORD)\n"
        )
        endpoints.append(InProcessEndpoint("actions", tmp_path / shop))
    said = [(await e.run(CALL | {"next_action": "action_hello"}))["responses"][0]["text"] for e in endpoints]
    assert said == ["one", "two"]
    assert [await e.names() for e in endpoints] == [("action_hello",)] * 2


@pytest.mark.parametrize(
    ("code", "place", "words"),
    [
        ("import no_such_library\n", "actions.py:1", "Install the package that brings `no_such_library`"),
        ("x = 1\ndef f(:\n", "actions.py:2", "Correct the Python syntax"),
        ("\n\n1 / 0\n", "actions.py:3", "ZeroDivisionError"),
        ("import sys\nsys.exit(2)\n", "actions.py:2", "SystemExit"),
        (
            "from rasa_sdk import Action\nclass A(Action):\n    def __init__(self, x): pass\n",
            "",
            "The action class A can't be made",
        ),
    ],
)
def test_code_that_cannot_be_loaded_stops_the_start(tmp_path: Path, code: str, place: str, words: str) -> None:
    (tmp_path / "actions.py").write_text(code)
    with pytest.raises(ProjectError) as caught:
        InProcessEndpoint("actions", tmp_path)
    assert place in str(caught.value)
    assert words in str(caught.value)


def test_serve_as_a_process() -> None:
    port = unused_port()
    code = f"from bot.action_server import serve; serve({str(SHOP)!r}, {port}, token='t')"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=SHOP.parents[2], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert f"http://127.0.0.1:{port}/webhook" in process.stdout.readline()
        assert answer_of(f"http://127.0.0.1:{port}/health") == {"status": "ok"}
        assert {"name": "action_slow"} in answer_of(f"http://127.0.0.1:{port}/actions?token=t")
    finally:
        process.terminate()
        process.wait(10)


def answer_of(url: str) -> Any:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


async def test_http_client_session_is_closed() -> None:
    endpoint = HttpEndpoint(f"http://127.0.0.1:{unused_port()}/webhook")
    with pytest.raises(ActionUnavailable):
        await endpoint.run(CALL)
    session = endpoint._session
    assert isinstance(session, aiohttp.ClientSession)
    await endpoint.close()
    assert session.closed
