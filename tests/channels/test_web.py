"""The WebSocket channel: greeting, acknowledgement, gap fill, order, buttons, typing, status."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.ledger.signal import News
from bot.messages import OutboundMessage
from tests.fakes.running_site import RunningSite


class Shopper:
    """A client as the widget is: one session, any number of sockets."""

    def __init__(self, http: aiohttp.ClientSession, site: RunningSite) -> None:
        self.http = http
        self.site = site
        self.token = ""
        self.socket: aiohttp.ClientWebSocketResponse
        self.frames: list[dict[str, Any]] = []

    async def session(self) -> Shopper:
        async with self.http.post("/webhooks/web/session") as answer:
            assert answer.status == 200
            self.token = (await answer.json())["token"]
        return self

    async def connect(self, *, last_seq: int = 0, **hello: Any) -> dict[str, Any]:
        self.socket = await self.http.ws_connect("/webhooks/web/socket")
        await self.tell({"type": "hello", "token": self.token, "last_seq": last_seq, **hello})
        return await self.hear("ready")

    async def tell(self, frame: Any) -> None:
        await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def say(self, text: str, message_id: str = "") -> str:
        message_id = message_id or uuid.uuid4().hex
        await self.tell({"type": "message", "id": message_id, "text": text})
        return message_id

    async def hear(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next frame of that type with those values; the others are kept in `frames`."""
        while True:
            message = await self.socket.receive(timeout=5)
            assert message.type is aiohttp.WSMsgType.TEXT, message
            frame = json.loads(message.data)
            self.frames.append(frame)
            if frame["type"] == kind and all(frame.get(name) == value for name, value in wanted.items()):
                return frame

    async def closed(self) -> int | None:
        while True:
            message = await self.socket.receive(timeout=5)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return self.socket.close_code


@pytest.fixture
async def shopper(site: RunningSite) -> AsyncIterator[Shopper]:
    async with aiohttp.ClientSession(site.url) as http:
        yield await Shopper(http, site).session()


async def test_ack_comes_after_the_commit_and_with_the_seq_of_the_line(site: RunningSite, shopper: Shopper) -> None:
    await shopper.connect()
    message_id = await shopper.say("hello")
    ack = await shopper.hear("ack", id=message_id)
    conversation = f"web:{site.agent.seen[-1].sender_id}" if site.agent.seen else None
    answer = await shopper.hear("line", who="bot")
    conversation = f"web:{site.agent.seen[-1].sender_id}"
    lines = site.call(site.store.outbox.transcript(conversation))
    assert [(line.seq, line.who) for line in lines] == [(ack["seq"], "shopper"), (answer["seq"], "bot")]
    assert answer["text"] == "echo: hello"


async def test_the_same_id_twice_is_one_line_and_one_turn(site: RunningSite, shopper: Shopper) -> None:
    await shopper.connect()
    for _ in range(3):
        await shopper.say("once", "same-id-0001")
    seqs = {(await shopper.hear("ack", id="same-id-0001"))["seq"] for _ in range(3)}
    await shopper.say("end")
    await shopper.hear("line", text="echo: end")
    texts = [frame["text"] for frame in shopper.frames if frame["type"] == "line"]
    assert len(seqs) == 1
    assert texts.count("once") == 1
    assert texts.count("echo: once") == 1


async def test_the_gap_is_filled_from_last_seq(shopper: Shopper) -> None:
    await shopper.connect()
    for text in ("one", "two", "three"):
        await shopper.say(text)
        last = await shopper.hear("line", text=f"echo: {text}")
    lines = [frame for frame in shopper.frames if frame["type"] == "line"]
    await shopper.socket.close()
    for known in (0, lines[1]["seq"], last["seq"]):
        shopper.frames = []
        await shopper.connect(last_seq=known)
        await shopper.say("mark", f"mark-{known:04}")
        await shopper.hear("ack", id=f"mark-{known:04}")
        await shopper.hear("line", text="echo: mark")
        await shopper.socket.close()
        got = [frame["text"] for frame in shopper.frames if frame["type"] == "line"]
        missed = [line["text"] for line in lines if line["seq"] > known]
        assert got[: len(missed)] == missed


async def test_a_socket_that_drops_before_the_answer_gets_it_later_once(shopper: Shopper) -> None:
    await shopper.connect()
    message_id = await shopper.say("slow")
    await shopper.hear("ack", id=message_id)
    await shopper.socket.close()
    await asyncio.sleep(1.3)
    shopper.frames = []
    await shopper.connect()
    await shopper.hear("line", text="echo: slow")
    await shopper.say("end")
    await shopper.hear("line", text="echo: end")
    seqs = [frame["seq"] for frame in shopper.frames if frame["type"] == "line"]
    assert seqs == sorted(set(seqs))


async def test_many_lines_come_in_order_over_pages(shopper: Shopper) -> None:
    await shopper.connect()
    for number in range(60):
        await shopper.say(f"n{number}", f"id-{number:06}")
        await shopper.hear("ack", id=f"id-{number:06}")
    await shopper.hear("line", text="echo: n59")
    await shopper.socket.close()
    shopper.frames = []
    await shopper.connect()
    await shopper.hear("line", text="echo: n59")
    seqs = [frame["seq"] for frame in shopper.frames if frame["type"] == "line"]
    assert len(seqs) == 120
    assert seqs == sorted(seqs)


async def test_a_signed_button_is_trusted_and_a_changed_one_is_text(shopper: Shopper) -> None:
    await shopper.connect()
    await shopper.say("buttons")
    button = (await shopper.hear("line", who="bot"))["buttons"][0]
    await shopper.tell({"type": "button", "id": "press-0001", **button})
    assert (await shopper.hear("line", who="shopper", id="press-0001"))["text"] == "Track it"
    await shopper.hear("line", text="command: track")
    for number, change in enumerate(({"payload": "/refund"}, {"title": "Other"}, {"sig": "x"}, {"sig": None})):
        await shopper.tell({"type": "button", "id": f"forged-{number:03}", **{**button, **change}})
        said = await shopper.hear("line", who="bot")
        assert said["text"].startswith("echo: /")


async def test_a_button_of_one_shopper_is_text_from_another(site: RunningSite, shopper: Shopper) -> None:
    await shopper.connect()
    await shopper.say("buttons")
    button = (await shopper.hear("line", who="bot"))["buttons"][0]
    other = await Shopper(shopper.http, site).session()
    await other.connect()
    await other.tell({"type": "button", "id": "press-0001", **button})
    assert (await other.hear("line", who="bot"))["text"] == "echo: /track"


async def test_no_shopper_sees_another_ones_lines(site: RunningSite, shopper: Shopper) -> None:
    other = await Shopper(shopper.http, site).session()
    await shopper.connect()
    await other.connect()
    await shopper.say("mine")
    await shopper.hear("line", text="echo: mine")
    await other.say("theirs")
    await other.hear("line", text="echo: theirs")
    assert not [frame for frame in other.frames if "mine" in json.dumps(frame)]
    assert shopper.token != other.token


async def test_typing_and_status_reach_the_shopper(site: RunningSite, shopper: Shopper) -> None:
    assert (await shopper.connect())["status"] == "bot"
    await shopper.say("slow")
    await shopper.hear("typing", who="bot", on=True)
    await shopper.hear("line", text="echo: slow")
    await shopper.hear("typing", who="bot", on=False)
    await shopper.say("human")
    assert (await shopper.hear("status"))["status"] == "queued"
    conversation = f"web:{site.agent.seen[-1].sender_id}"
    assert site.call(site.store.desk.claim_conversation(conversation, "ana"))
    assert (await shopper.hear("status"))["status"] == "human"

    async def typing() -> None:
        data = {"who": "operator", "author": "Ana", "on": True}
        site.signal.publish(News("typing", conversation, data=data))

    site.call(typing())
    assert (await shopper.hear("typing", who="operator"))["author"] == "Ana"
    words = OutboundMessage(text="Ana here.", origin="operator", author="Ana")
    site.call(site.store.desk.say(conversation, "ana", words, key="1"))
    assert (await shopper.hear("line", who="operator"))["author"] == "Ana"


async def test_the_shoppers_typing_is_published(site: RunningSite, shopper: Shopper) -> None:
    await shopper.connect()
    await shopper.say("hello")
    await shopper.hear("line", who="bot")
    conversation = f"web:{site.agent.seen[-1].sender_id}"

    async def wait() -> Any:
        with site.signal.listen(conversation) as news:
            while (item := await asyncio.wait_for(news.get(), 5)).kind != "typing":
                pass
            return item.data

    waiting = asyncio.get_running_loop().run_in_executor(None, lambda: site.call(wait()))
    await asyncio.sleep(0.2)
    await shopper.tell({"type": "typing", "on": True})
    assert (await waiting)["who"] == "shopper"


async def test_seen_lines_count_as_delivered(site: RunningSite, shopper: Shopper) -> None:
    await shopper.connect()
    await shopper.say("hello")
    line = await shopper.hear("line", who="bot")
    conversation = f"web:{site.agent.seen[-1].sender_id}"
    assert len(site.call(site.store.outbox.pending(conversation))) == 1
    await shopper.tell({"type": "seen", "seq": line["seq"]})
    await asyncio.sleep(0.4)
    assert site.call(site.store.outbox.pending(conversation)) == []


async def test_a_typed_command_is_text_and_the_language_is_told(site: RunningSite, shopper: Shopper) -> None:
    await shopper.connect(lang="zh")
    await shopper.say("/restart")
    await shopper.hear("line", text="echo: /restart")
    assert site.agent.seen[-1].metadata["language"] == "zh"
    assert not site.agent.seen[-1].trusted
