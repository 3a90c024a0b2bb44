"""A shopper's journeys in Chromium, against a real server with a real ledger."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.fakes.running_site import RunningSite


def widget(page: Page) -> Locator:
    return page.locator("shoptalk-widget")


def open_widget(page: Page) -> Locator:
    found = widget(page)
    found.locator(".launcher").click()
    expect(found.locator(".panel")).to_be_visible()
    return found


def say(page: Page, text: str) -> None:
    widget(page).locator("textarea").fill(text)
    page.keyboard.press("Enter")


def bubbles(page: Page) -> list[str]:
    return widget(page).locator(".entry .bubble").all_inner_texts()


def wait_for_bubble(page: Page, text: str, *, count: int = 1) -> None:
    expect(widget(page).locator(".entry .bubble", has_text=text)).to_have_count(count)


def test_opens_sends_and_shows_the_answer(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    expect(found.locator("textarea")).to_be_focused()
    say(page, "hello")
    wait_for_bubble(page, "echo: hello")
    assert bubbles(page) == ["hello", "echo: hello"]
    expect(found.locator(".state", has_text="Sent")).to_have_count(1)


def test_a_starter_is_a_plain_message(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    open_widget(page).get_by_role("button", name="Where is my order?").click()
    wait_for_bubble(page, "echo: Where is my order?")
    assert not site.agent.seen[0].trusted


def test_a_button_is_trusted_and_shows_its_title(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    say(page, "buttons")
    found.get_by_role("button", name="Track it").click()
    wait_for_bubble(page, "command: track")
    assert bubbles(page) == ["buttons", "What shall we do?", "Track it", "command: track"]
    expect(found.locator(".buttons:visible")).to_have_count(0)


def test_a_typed_command_is_only_text(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    open_widget(page)
    say(page, '/track{"order_number": "W1"}')
    wait_for_bubble(page, 'echo: /track{"order_number": "W1"}')


def test_cards_and_images(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    say(page, "card")
    card = found.locator(".card")
    expect(card).to_contain_text("Order #W0000001")
    expect(card.locator("dd").first).to_have_text("$120.50")
    card.get_by_role("button", name="Where is it?").click()
    wait_for_bubble(page, "command: track")
    say(page, "image")
    image = found.locator(".entry > .line > .picture img")
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0


def test_a_reload_keeps_the_conversation(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    open_widget(page)
    for text in ("one", "two"):
        say(page, text)
        wait_for_bubble(page, f"echo: {text}")
    page.reload()
    wait_for_bubble(page, "echo: two")
    assert bubbles(page) == ["one", "echo: one", "two", "echo: two"]


def test_a_restart_of_the_server_loses_and_doubles_nothing(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    say(page, "before")
    wait_for_bubble(page, "echo: before")
    site.stop()
    expect(found.locator(".banner")).to_be_visible()
    say(page, "during 1")
    say(page, "during 2")
    expect(found.locator(".state.bad").first).to_contain_text("Not sent yet")
    site.start()
    wait_for_bubble(page, "echo: during 2")
    expect(found.locator(".banner")).to_be_hidden()
    shown = bubbles(page)
    assert sorted(shown) == sorted(
        ["before", "during 1", "during 2", *(f"echo: {text}" for text in ("before", "during 1", "during 2"))]
    )
    assert [text for text in shown if text.startswith("echo")] == [
        f"echo: {text}" for text in ("before", "during 1", "during 2")
    ]


def test_unsent_messages_outlive_a_reload(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    say(page, "first")
    wait_for_bubble(page, "echo: first")
    page.route("**/webhooks/web/session", lambda route: route.abort())
    site.stop()
    expect(found.locator(".banner")).to_be_visible()
    say(page, "kept")
    stored = page.evaluate("Object.values(localStorage).map((text) => JSON.parse(text).queue.length)")
    assert stored == [1]
    site.start()
    page.reload()
    wait_for_bubble(page, "echo: kept")
    assert [message.text for message in site.agent.seen].count("kept") == 1


def test_words_said_while_away_fill_the_gap_and_the_badge(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    say(page, "human")
    wait_for_bubble(page, "I ask a colleague.")
    expect(found.locator(".banner")).to_contain_text("told a colleague")
    found.locator(".close").click()
    conversation = f"web:{site.agent.seen[0].sender_id}"

    async def answer() -> None:
        from bot.messages import OutboundMessage

        assert await site.store.desk.claim_conversation(conversation, "ana")
        words = OutboundMessage(text="Hello, Ana here.", origin="operator", author="Ana")
        await site.store.desk.say(conversation, "ana", words, key="1")

    site.call(answer())
    expect(found.locator(".badge")).to_have_text("1")
    found.locator(".launcher").click()
    wait_for_bubble(page, "Hello, Ana here.")
    expect(found.locator(".who")).to_have_text("You are talking to Ana")
    expect(found.locator(".badge")).to_be_hidden()


def test_chinese_interface(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url, locale="zh-CN")
    found = open_widget(page)
    expect(found.locator("textarea")).to_have_attribute("placeholder", "输入消息…")
    expect(found.locator("h2")).to_have_text("演示商店")
    say(page, "我的订单到哪了？")
    wait_for_bubble(page, "echo: 我的订单到哪了？")
    expect(found.locator(".state", has_text="已发送")).to_have_count(1)
    found.get_by_role("button", name="EN").click()
    expect(found.locator("textarea")).to_have_attribute("placeholder", "Write a message…")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(found.locator("textarea")).to_have_attribute("placeholder", "Write a message…")


def test_enter_while_composing_chinese_does_not_send(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    client = page.context.new_cdp_session(page)
    client.send("Input.imeSetComposition", {"text": "ding", "selectionStart": 4, "selectionEnd": 4})
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229, "type": "keyDown"}
    client.send("Input.dispatchKeyEvent", enter)
    found.locator("textarea").evaluate(
        "area => area.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    assert bubbles(page) == []
    client.send("Input.insertText", {"text": "订单"})
    expect(found.locator("textarea")).to_have_value("订单")
    page.keyboard.press("Enter")
    wait_for_bubble(page, "echo: 订单")


def test_keyboard(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = widget(page)
    found.locator(".launcher").focus()
    page.keyboard.press("Enter")
    expect(found.locator("textarea")).to_be_focused()
    page.keyboard.type("line one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("line two")
    page.keyboard.press("Enter")
    wait_for_bubble(page, "echo: line one\nline two")
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "SHOPTALK-WIDGET", "focus left the panel"
    page.keyboard.press("Escape")
    expect(found.locator(".panel")).to_be_hidden()
    expect(found.locator(".launcher")).to_be_focused()


def test_a_text_over_the_limit_is_explained_and_not_sent(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    found = open_widget(page)
    say(page, "x" * 4001)
    expect(found.locator(".foot")).to_contain_text("4001 of 4000 characters")
    expect(found.locator(".send")).to_be_disabled()
    assert bubbles(page) == []


def test_phone_layout_fills_the_screen(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url, width=390, height=780, has_touch=True)
    found = open_widget(page)
    say(page, "card")
    expect(found.locator(".card")).to_be_visible()
    box = found.locator(".panel").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 780}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(found.locator(".launcher")).to_be_hidden()


def test_two_tabs_show_the_same_lines(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    open_widget(page)
    say(page, "from the first tab")
    wait_for_bubble(page, "echo: from the first tab")
    other = page.context.new_page()
    other.goto(site.url)
    wait_for_bubble(other, "echo: from the first tab")
    say(page, "again")
    wait_for_bubble(other, "echo: again")
    assert bubbles(page) == bubbles(other)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_axe_finds_nothing(site: RunningSite, open_page: Any, locale: str, scheme: str) -> None:
    page = open_page(site.url, locale=locale, color_scheme=scheme, reduced_motion="reduce")
    found = open_widget(page)
    for text in ("card", "image", "human"):
        say(page, text)
    wait_for_bubble(page, "I ask a colleague.")
    expect(found.locator(".banner")).to_be_visible()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_the_page_and_the_widget_speak_one_language(site: RunningSite, open_page: Any) -> None:
    page = open_page(f"{site.url}/?lang=zh")
    found = open_widget(page)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(found.locator("textarea")).to_have_attribute("placeholder", "输入消息…")
    page.evaluate("scrollTo(0, 0)")
    found.locator(".close").click()
    page.locator("#language").click()
    expect(found.locator(".launcher")).to_have_attribute("aria-label", "Open chat")
    expect(page.locator("h1 [lang=en]")).to_be_visible()
    open_widget(page).get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    found.locator(".close").click()
    page.locator("#language").click()
    expect(found.locator(".launcher")).to_have_attribute("aria-label", "Open chat")
