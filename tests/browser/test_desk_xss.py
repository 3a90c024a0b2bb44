"""Hostile strings in every field that reaches the desk: what shoppers write and are called, what the bot or an action
says, slots, operators' names. Nothing of it runs."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from playwright.sync_api import Page, expect

from bot.events import SlotSet
from bot.ledger.operator_store import OperatorStore
from bot.ledger.rows import add_events
from tests.browser.test_desk import OpenDesk, open_desk, site
from tests.browser.test_widget_xss import ADDRESSES, MARKUP, hostile
from tests.fakes.running_site import RunningSite

__all__ = ["open_desk", "site"]  # fixtures

LEAKS = """
() => {
  const bad = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (["SCRIPT", "IFRAME", "OBJECT", "EMBED", "STYLE", "TEMPLATE", "MATH", "BASE", "LINK"].includes(element.tagName))
      bad.push(element.tagName);
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name === "srcdoc" || name === "style") {
        if (name !== "style" || element.tagName !== "TEXTAREA") bad.push(`${element.tagName} ${name}`);
      }
      if (["href", "src", "action"].includes(name) && !/^https?:/.test(value)) bad.push(`${name}=${value}`);
      if (name === "src" && !value.startsWith("https:") && !value.startsWith(location.origin)) bad.push(value);
    }
    if (element.tagName === "A" && !element.rel.includes("noopener")) bad.push("link without noopener");
  }
  return bad;
}
"""


def check(page: Page) -> None:
    page.wait_for_timeout(300)
    assert page.evaluate(LEAKS) == []
    expect(page.locator(".queue")).to_be_visible()
    expect(page.locator(".presence")).to_be_visible()


async def _write(site: RunningSite, sender: str, text: str) -> None:
    async with aiohttp.ClientSession() as client:
        body = {"sender": sender, "message": text}
        async with client.post(f"{site.url}/webhooks/rest/webhook", json=body) as answer:
            assert answer.status == 200


def test_what_shoppers_write_and_are_called(site: RunningSite, open_desk: OpenDesk) -> None:
    desk = open_desk("ana")
    texts = list(dict.fromkeys(text.strip("\x00\x01 ") for text in (*MARKUP, *ADDRESSES)))
    for text in texts:
        site.call(_write(site, text[:200], text))
        site.call(_write(site, text[:200], "human"))
    expect(desk.locator(".row")).to_have_count(len(texts))
    for index in range(desk.locator(".row").count()):
        desk.locator(".row").nth(index).click()
        expect(desk.locator(".shopper .bubble")).to_have_count(2)
    check(desk)
    desk.reload()  # the conversation's id comes out of the address
    expect(desk.locator(".shopper .bubble")).to_have_count(2)
    check(desk)


def test_what_a_model_or_an_action_says(site: RunningSite, open_desk: OpenDesk) -> None:
    desk = open_desk("ana")
    for text, address in zip(MARKUP, ADDRESSES, strict=True):
        site.call(_write(site, "sam", f"raw {json.dumps(hostile(text, address))}"))
    site.call(_write(site, "sam", "human"))
    desk.locator(".row").click()
    expect(desk.locator(".bot .bubble")).to_have_count(len(MARKUP) + 1)
    check(desk)
    shown = desk.locator(".bot .bubble").all_inner_texts()
    assert all(any(text in bubble for bubble in shown) for text in MARKUP), "markup must be shown as it was written"


def test_slots(site: RunningSite, open_desk: OpenDesk) -> None:
    slots: dict[str, Any] = {text[:60]: [text, {"a": text}] for text in (*MARKUP, *ADDRESSES)}
    slots |= {"name": MARKUP[1], "flag": True, "requested_slot": MARKUP[0]}
    desk = open_desk("ana")
    site.call(_queue_with_slots(site, slots))
    desk.locator(".row").click()
    expect(desk.locator(".facts dt")).not_to_have_count(0)
    expect(desk.locator(".facts")).to_contain_text(MARKUP[1])
    check(desk)


async def _queue_with_slots(site: RunningSite, slots: dict[str, Any]) -> None:
    await _write(site, "sam", "human")
    events = [SlotSet(name=name, value=value) for name, value in slots.items()]

    def run(connection: Any) -> None:
        row = connection.row("SELECT id, next_event FROM conversation")
        add_events(connection, row[0], row[1], events)
        connection.run("UPDATE conversation SET next_event = next_event + ?", len(events))

    await site.store.database.write(run)


def test_operators_names(site: RunningSite, open_desk: OpenDesk, open_page: Any) -> None:
    for number, text in enumerate(MARKUP[:3]):
        desk = open_desk(f"ana{number}", display_name=text, locale="zh-CN" if number else "en-GB")
        check(desk)
        site.call(_write(site, f"sam{number}", "human"))
        desk.locator(".row").first.click()
        desk.keyboard.press("Alt+c")
        expect(desk.locator("#answer")).to_be_focused()
        desk.locator("#answer").fill(text)
        desk.keyboard.press("Enter")
        expect(desk.locator(".operator .bubble")).to_have_text(text)
        expect(desk.locator(".system .bubble")).to_contain_text(text)
        check(desk)
    other = open_desk("ben", role="admin")
    other.get_by_role("button", name="All").click()
    other.locator(".row").first.click()
    expect(other.locator(".invitation")).to_contain_text("is answering")
    other.keyboard.press("Alt+r")
    expect(other.locator("dialog h2")).to_contain_text("has this conversation")
    check(other)
    operators = OperatorStore(site.store.database)
    link = site.call(operators.make_link("ana0"))
    login = open_page(f"{site.url}/desk/login?link={link}")
    expect(login.get_by_role("heading")).to_have_text(f"Welcome, {' '.join(MARKUP[0].split())}")


def test_addresses_of_the_page(site: RunningSite, open_desk: OpenDesk, open_page: Any) -> None:
    desk = open_desk("ana")
    for text in (*MARKUP, *ADDRESSES, "%", "%E0%A4%A"):
        desk.evaluate("text => { location.hash = text; }", text)
        expect(desk.locator(".queue")).to_be_visible()
    desk.reload()
    check(desk)
    for text in ("<script>alert(1)</script>", "javascript:alert(1)", "%25", "'"):
        login = open_page(f"{site.url}/desk/login?link={text}")
        expect(login.get_by_role("alert")).to_contain_text("This link has been used")
        assert login.evaluate("[...document.querySelectorAll('body script, body iframe')].length") == 0
