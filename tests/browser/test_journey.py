"""The whole way in Chromium with the real shop: order, proof, a return, a person at the desk, and the bot again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_desk import PASSWORD, answer
from tests.browser.test_widget import bubbles, open_widget, say, wait_for_bubble, widget
from tests.journeys.demo import Demo


@dataclass(frozen=True)
class Script:
    """What is said, and what must be seen, in one language."""

    locale: str
    order: str
    complaint: str
    human: str
    claim: str
    hand_back: str
    greeting: str
    reply: str
    last: str


EN = Script(
    locale="en-GB",
    order="where is my order {number}?",
    complaint="I want to make a complaint",
    human="can I talk to a real person",
    claim="Claim",
    hand_back="Hand back to the bot",
    greeting="Good morning, how can I help?",
    reply="the box was open when it came",
    last="the parcel came damaged and one shoe is missing",
)
ZH = Script(
    locale="zh-CN",
    order="我的订单 {number} 到哪了？",
    complaint="我要投诉",
    human="我要转人工客服",
    claim="接手",
    hand_back="交还机器人",
    greeting="您好，请问有什么可以帮您？",
    reply="收到的时候箱子是开的",
    last="包裹破损，少了一只鞋",
)


def desk_page(demo: Demo, open_page: Callable[..., Page], locale: str) -> Page:
    desk = open_page(demo.login_link(), locale=locale)
    desk.locator("#new-password").fill(PASSWORD)
    desk.locator("#repeat").fill(PASSWORD)
    desk.keyboard.press("Enter")
    expect(desk.locator(".presence")).to_be_visible()
    return desk


def last_bubble(page: Page, said: str) -> str:
    """The newest words of the bot after what the shopper said."""
    expect(widget(page).locator(".entry .bubble").last).not_to_have_text(said)
    page.wait_for_timeout(500)
    return bubbles(page)[-1]


@pytest.mark.parametrize("script", [EN, ZH], ids=["en", "zh"])
def test_from_the_order_to_a_person_and_back(demo: Demo, open_page: Any, script: Script) -> None:
    facts = demo.facts()
    desk = desk_page(demo, open_page, script.locale)
    shopper = open_page(demo.url, locale=script.locale)
    open_widget(shopper)

    say(shopper, script.order.format(number=facts.number))
    expect(widget(shopper).locator(".entry .bubble")).to_have_count(2)
    say(shopper, facts.email)
    expect(widget(shopper).locator(".entry .bubble")).to_have_count(5)
    assert facts.tracking not in "".join(bubbles(shopper))
    say(shopper, demo.code(after=0))
    expect(widget(shopper).locator(".card")).to_contain_text(facts.tracking)

    say(shopper, script.complaint)
    question = last_bubble(shopper, script.complaint)
    say(shopper, script.human)
    row = desk.locator(".row")
    expect(row).to_have_count(1)
    row.click()
    expect(desk.locator(".facts")).to_contain_text(facts.number)
    desk.get_by_role("button", name=script.claim).click()
    answer(desk, script.greeting)
    wait_for_bubble(shopper, script.greeting)
    before = len(bubbles(shopper))
    say(shopper, script.reply)
    expect(desk.locator(".shopper .bubble", has_text=script.reply)).to_have_count(1)
    shopper.wait_for_timeout(1500)
    assert len(bubbles(shopper)) == before + 1, "the bot spoke while a person did"

    desk.get_by_role("button", name=script.hand_back).click()
    wait_for_bubble(shopper, question, count=2)  # the form that was interrupted asks again
    say(shopper, script.last)
    assert last_bubble(shopper, script.last) not in (question, script.last), "the form did not take the answer"
