"""The REST channel: recordings of Rasa 3.6.21 replayed, repeats, time-outs, operators' words."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.messages import OutboundMessage
from connectors.rest.payloads import outbound
from tests.fakes.running_site import RunningSite

RECORDED = {
    path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "recorded").glob("*.json"))
}
WEBHOOK = "/webhooks/rest/webhook"
BUTTON = {"title": "x", "payload": "/y"}


@pytest.fixture
async def http(site: RunningSite) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(site.url) as session:
        yield session


def sender() -> str:
    return uuid.uuid4().hex


@pytest.mark.parametrize("name", RECORDED)
async def test_answers_as_rasa_recorded(http: aiohttp.ClientSession, name: str) -> None:
    request, expected = RECORDED[name]["request"], RECORDED[name]["response"]
    body = request.get("body")
    if "json" in request:
        texts = (
            [part.get("text") for part in expected["json"]]
            if isinstance(expected["json"], list)
            else ["Hey! How are you?"]
        )
        asked = {**request["json"]}
        if "message" in asked:
            # The bot of the recording answered so; ours says what it is told to.
            asked["message"] = "raw " + json.dumps({"text": texts[0]})
        body = json.dumps(asked)
    async with http.request(request["method"], request["path"], data=body) as answer:
        if expected["status"] == 500:
            assert answer.status == 400
            return
        assert answer.status == expected["status"]
        if answer.status == 405:
            assert answer.headers["Allow"] == expected["headers"]["allow"]
            return
        assert answer.content_type == expected["headers"]["content-type"]
        text = await answer.text()
        if "stream" in request["path"]:
            assert text == json.dumps(expected["json"]) + "\n"
        elif answer.status == 400:
            told = json.loads(text)
            assert {name: told[name] for name in expected["json"]} == expected["json"]
        else:
            assert json.loads(text) == expected["json"]


async def test_bytes_are_those_of_rasa(http: aiohttp.ClientSession) -> None:
    body = {"sender": "conv-1", "message": 'raw {"text": "你好 / hi"}'}
    async with http.post(WEBHOOK, json=body) as answer:
        assert await answer.read() == b'[{"recipient_id":"conv-1","text":"\\u4f60\\u597d / hi"}]'


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (OutboundMessage(text="a\n\nb"), [{"text": "a"}, {"text": "b"}]),
        (OutboundMessage(text="t", image="i"), [{"text": "t"}, {"image": "i"}]),
        (OutboundMessage(text="t", buttons=(BUTTON,)), [{"text": "t", "buttons": [BUTTON]}]),
        (OutboundMessage(text="t", quick_replies=(BUTTON,)), [{"text": "t", "buttons": [BUTTON]}]),
        (
            OutboundMessage(custom={"a": 1}, attachment="f", image="i"),
            [{"custom": {"a": 1}}, {"image": "i"}, {"attachment": "f"}],
        ),
        (OutboundMessage(elements=({"title": "T", "subtitle": "S"},)), [{"text": "T : S", "buttons": []}]),
        (OutboundMessage(), []),
    ],
)
def test_every_kind_of_response(message: OutboundMessage, parts: list[dict[str, Any]]) -> None:
    assert outbound(message, "me") == [{"recipient_id": "me", **part} for part in parts]


async def test_a_repeat_gets_the_stored_reply_and_makes_no_turn(site: RunningSite, http: aiohttp.ClientSession) -> None:
    body = {"sender": sender(), "message": "once", "message_id": "m-1"}
    answers = []
    for _ in range(3):
        async with http.post(WEBHOOK, json=body) as answer:
            answers.append(await answer.json())
    assert answers[0] == answers[1] == answers[2] == [{"recipient_id": body["sender"], "text": "echo: once"}]
    assert sum(message.sender_id == body["sender"] for message in site.agent.seen) == 1


async def test_twenty_repeats_at_once_make_one_turn(site: RunningSite, http: aiohttp.ClientSession) -> None:
    body = {"sender": sender(), "message": "slow", "message_id": "m-1"}

    async def ask() -> Any:
        async with http.post(WEBHOOK, json=body) as answer:
            return await answer.json()

    answers = await asyncio.gather(*(ask() for _ in range(20)))
    assert all(answer == [{"recipient_id": body["sender"], "text": "echo: slow"}] for answer in answers)
    assert sum(message.sender_id == body["sender"] for message in site.agent.seen) == 1


async def test_messages_of_one_sender_keep_their_order(site: RunningSite, http: aiohttp.ClientSession) -> None:
    who = sender()
    for number in range(10):
        async with http.post(WEBHOOK, json={"sender": who, "message": f"n{number}"}) as answer:
            assert (await answer.json())[0]["text"] == f"echo: n{number}"
    lines = site.call(site.store.outbox.transcript(f"rest:{who}"))
    assert [line.seq for line in lines] == sorted(line.seq for line in lines)


async def test_an_operators_words_come_with_the_next_answer_once(
    site: RunningSite, http: aiohttp.ClientSession
) -> None:
    who = sender()

    async def post(text: str) -> Any:
        async with http.post(WEBHOOK, json={"sender": who, "message": text}) as answer:
            return [part["text"] for part in await answer.json()]

    assert await post("human") == ["I ask a colleague."]
    conversation = f"rest:{who}"
    assert site.call(site.store.desk.claim_conversation(conversation, "ana"))
    words = OutboundMessage(text="Ana here.", origin="operator", author="Ana")
    site.call(site.store.desk.say(conversation, "ana", words, key="1"))
    assert await post("hello?") == ["Ana here."]
    assert await post("still there?") == []
    await asyncio.sleep(0.3)
    assert await post("and now?") == []
    assert site.call(site.store.outbox.pending(conversation)) == []


async def test_a_long_turn_is_kept_and_fetched_later(tmp_path: Path) -> None:
    running = RunningSite(tmp_path, credentials={"rest": {"timeout_s": 0.2}}).start()
    try:
        body = {"sender": "s", "message": "slow", "message_id": "m-1"}
        async with aiohttp.ClientSession(running.url) as http:
            async with http.post(WEBHOOK, json=body) as answer:
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) >= 1
            await asyncio.sleep(1.2)
            async with http.post(WEBHOOK, json=body) as answer:
                assert await answer.json() == [{"recipient_id": "s", "text": "echo: slow"}]
        assert len(running.agent.seen) == 1
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("settings", "headers", "status", "text"),
    [
        ({}, {}, 200, "echo: /track"),
        ({"trusted": True}, {}, 200, "command: track"),
        ({"token": "s3cret"}, {}, 401, None),
        ({"token": "s3cret"}, {"Authorization": "Bearer wrong"}, 401, None),
        ({"token": "s3cret"}, {"Authorization": "Bearer s3cret"}, 200, "command: track"),
        (None, {}, 200, "echo: /track"),
    ],
)
async def test_who_may_send_commands(
    tmp_path: Path, settings: Any, headers: dict[str, str], status: int, text: str | None
) -> None:
    running = RunningSite(tmp_path, credentials={"rest": settings}).start()
    try:
        async with (
            aiohttp.ClientSession(running.url) as http,
            http.post(WEBHOOK, json={"message": "/track"}, headers=headers) as answer,
        ):
            assert answer.status == status
            if text:
                assert (await answer.json())[0]["text"] == text
    finally:
        running.stop()


async def test_the_metadata_reaches_the_agent(site: RunningSite, http: aiohttp.ClientSession) -> None:
    who = sender()
    body = {"sender": who, "message": "hi", "metadata": {"a": 1}, "input_channel": "web"}
    async with http.post(WEBHOOK, json=body) as answer:
        assert answer.status == 200
    seen = next(message for message in site.agent.seen if message.sender_id == who)
    assert seen.channel == "rest"
    assert dict(seen.metadata).items() >= {"a": 1, "input_channel": "web"}.items()
