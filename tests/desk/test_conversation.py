"""What happens to a conversation at the desk: claim, chat, hand back, resolve, with the bot beside it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.ledger.signal import News
from bot.messages import InboundMessage
from tests.desk.conftest import Operating, Shop

SAM = {"conversation": "rest:sam"}


class Page:
    """An open desk: the newest frame of each type, and the lines it has."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: dict[str, Any] = {}
        self.lines: dict[int, Any] = {}

    async def until(self, done: Any, *, timeout_s: float = 8) -> None:
        async with asyncio.timeout(timeout_s):
            while not done(self):
                frame = await self.socket.receive_json()
                self.frames[frame["type"]] = frame
                if frame["type"] == "lines":
                    self.lines |= {line["seq"]: line for line in frame["lines"]}

    def has(self, text: str) -> bool:
        return any(line.get("text") == text for line in self.lines.values())

    def status_of(self, conversation: str) -> str | None:
        rows = self.frames.get("queue", {}).get("conversations", [])
        return next((row["status"] for row in rows if row["id"] == conversation), None)


async def open_page(operator: Operating, conversation: str | None = None, *, after: int = 0) -> Page:
    page = Page(await operator.http.ws_connect(f"{operator.url}/desk/socket", origin=operator.url))
    if conversation:
        await page.socket.send_json({"type": "open", "conversation": conversation, "after": after})
    return page


async def test_from_asking_for_a_person_to_the_bot_again(shop: Shop) -> None:
    ana = await shop.operator("ana", display_name="Ana Ng")
    await shop.write("sam", "human")
    status, queue = await ana.get("queue")
    assert status == 200
    assert [(row["id"], row["status"]) for row in queue["conversations"]] == [("rest:sam", "queued")]
    status, shown = await ana.post("claim", SAM)
    assert (status, shown["status"], shown["operator_name"]) == (200, "human", "Ana Ng")
    assert (await ana.post("say", {**SAM, "id": "message-1", "text": " Hello Sam "}))[0] == 200
    replies = await shop.write("sam", "where is it?")
    assert "echo" not in str(replies)  # the bot is silent; what waited for the shopper is given out
    assert (await ana.post("hand-back", SAM))[0] == 200
    for _ in range(100):
        if ("bot", "I'm back.") in await shop.lines("sam"):
            break
        await asyncio.sleep(0.05)
    assert await shop.lines("sam") == [
        ("shopper", "human"),
        ("bot", "I ask a colleague."),
        ("system", "Ana Ng has joined the chat."),
        ("operator", "Hello Sam"),
        ("shopper", "where is it?"),
        ("system", "Ana Ng has left the chat."),
        ("bot", "I'm back."),
    ]
    assert "echo: thanks" in str(await shop.write("sam", "thanks"))


async def test_notices_speak_the_shopper_s_language(shop: Shop) -> None:
    ana = await shop.operator("ana", display_name="安娜")
    await shop.write("li", "我的订单在哪里？")
    await shop.write("li", "/button")
    assert (await ana.post("claim", {"conversation": "rest:li"}))[0] == 200
    assert ("system", "安娜 已加入对话，为您服务。") in await shop.lines("li")
    assert (await ana.post("resolve", {"conversation": "rest:li"}))[0] == 200
    assert ("system", "安娜 已离开对话。") in await shop.lines("li")
    assert await shop.status("li") == "resolved"


async def test_a_double_click_says_it_once(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "human")
    await asyncio.gather(*(ana.post("claim", SAM) for _ in range(2)))
    answers = await asyncio.gather(*(ana.post("say", {**SAM, "id": "message-1", "text": "Hi"}) for _ in range(5)))
    assert len({body["seq"] for _, body in answers}) == 1
    assert (await shop.lines("sam")).count(("operator", "Hi")) == 1


async def test_fifty_races_for_a_claim_have_one_winner_each(shop: Shop) -> None:
    ana, ben = await shop.operator("ana"), await shop.operator("ben")
    for number in range(50):
        sender = f"racer{number}"
        await shop.write(sender, "human")
        body = {"conversation": f"rest:{sender}"}
        order = (ana, ben) if number % 2 else (ben, ana)
        answers = await asyncio.gather(*(operator.post("claim", body) for operator in order))
        assert sorted(status for status, _ in answers) == [200, 409]
        winner = next(operator for operator, (status, _) in zip(order, answers, strict=True) if status == 200)
        row = await shop.store.desk.conversation(f"rest:{sender}")
        assert row is not None
        assert (row.status, row.operator) == ("human", winner.name)
        joined = [text for who, text in await shop.lines(sender) if who == "system"]
        assert joined == [f"{winner.name.title()} has joined the chat."]


async def test_a_claim_in_the_middle_of_a_turn_silences_the_bot(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "hello")
    message = InboundMessage("slow-1", "sam", "rest", "slow")
    await shop.store.ledger.accept(message)
    for _ in range(100):
        if any(seen.id == "slow-1" for seen in shop.agent.seen):
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the turn did not start")
    assert (await ana.post("claim", SAM))[0] == 200  # the bot is thinking right now
    await asyncio.sleep(1.5)
    assert await shop.lines("sam") == [
        ("shopper", "hello"),
        ("bot", "echo: hello"),
        ("shopper", "slow"),
        ("system", "Ana has joined the chat."),
    ]
    lines = await shop.store.outbox.transcript("rest:sam")
    assert lines[2].state == "done"  # heard, not lost


async def test_a_message_left_when_nobody_was_there_is_answered_later(shop: Shop) -> None:
    assert await shop.desk.availability() == "absent"
    await shop.write("sam", "human")
    await shop.write("sam", "please call me tomorrow")
    ana = await shop.operator("ana")
    _, queue = await ana.get("queue")
    assert queue["conversations"][0]["preview"] == "please call me tomorrow"
    await ana.post("claim", SAM)
    assert (await ana.post("say", {**SAM, "id": "message-1", "text": "Good morning"}))[0] == 200
    assert "Good morning" in str([row.message.text for row in await shop.store.outbox.pending("rest:sam")])


async def test_two_desks_see_everything_live(shop: Shop) -> None:
    ana, ben = await shop.operator("ana"), await shop.operator("ben")
    pages = [await open_page(ana, "rest:sam"), await open_page(ben)]
    await shop.write("sam", "human")
    for page in pages:
        await page.until(lambda page: page.status_of("rest:sam") == "queued")
    await pages[0].socket.send_json({"type": "open", "conversation": "rest:sam"})
    await pages[0].until(lambda page: page.has("I ask a colleague."))
    await ana.post("claim", SAM)
    for page in pages:
        await page.until(lambda page: page.status_of("rest:sam") == "human")
    await pages[0].until(lambda page: page.frames["conversation"]["operator"] == "ana")
    await shop.write("sam", "are you there?")
    await pages[0].until(lambda page: page.has("are you there?"))
    shop.signal.publish(News("typing", "rest:sam", data={"who": "shopper", "author": None, "on": True}))
    await pages[0].until(lambda page: page.frames.get("typing", {}).get("on") is True)


async def test_a_page_that_comes_back_gets_what_it_missed(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "one")
    page = await open_page(ana, "rest:sam")
    await page.until(lambda page: page.has("echo: one"))
    await page.socket.close()
    await shop.write("sam", "two")
    again = await open_page(ana, "rest:sam", after=max(page.lines))
    await again.until(lambda page: page.has("echo: two"))


async def test_a_line_tells_when_it_was_delivered(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "human")
    await ana.post("claim", SAM)
    page = await open_page(ana, "rest:sam")
    _, said = await ana.post("say", {**SAM, "id": "message-1", "text": "Hi"})
    await page.until(lambda page: page.lines.get(said["seq"], {}).get("state") == "due")
    await shop.write("sam", "hm")  # the REST caller fetches
    await page.until(lambda page: page.lines[said["seq"]]["state"] == "sent")


async def test_the_operator_s_typing_reaches_the_shopper(shop: Shop) -> None:
    ana = await shop.operator("ana", display_name="Ana Ng")
    await shop.write("sam", "human")
    await ana.post("claim", SAM)
    with shop.signal.listen("rest:sam") as queue:
        assert (await ana.post("typing", {**SAM, "on": True}))[0] == 200
        news = queue.get_nowait()
    assert (news.kind, news.data) == ("typing", {"who": "operator", "author": "Ana Ng", "on": True})


async def test_an_old_transcript_can_be_paged(shop: Shop) -> None:
    ana = await shop.operator("ana")
    for number in range(210):
        await shop.write("long", f"text {number}")
    lines = await shop.store.outbox.transcript("rest:long")
    assert len(lines) == 420
    seqs = [line.seq for line in lines]
    _, last = await ana.get("transcript", id="rest:long")
    found = last["lines"]
    while found[0]["seq"] > 1:
        _, page = await ana.get("transcript", id="rest:long", before=str(found[0]["seq"]))
        found = page["lines"] + found
    assert [line["seq"] for line in found] == seqs


async def test_slots_and_cards_are_shown(shop: Shop) -> None:
    ana = await shop.operator("ana")
    await shop.write("sam", "card")
    _, transcript = await ana.get("transcript", id="rest:sam")
    card = transcript["lines"][-1]["cards"][0]
    assert card["title"] == "Order #W0000001"
    assert ["Total", "$120.50"] in card["lines"]
    _, shown = await ana.get("conversation", id="rest:sam")
    assert shown["slots"] == {}
    assert shown["channel"] == "rest"
