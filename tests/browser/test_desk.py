"""An operator's journeys in Chromium, with a shopper's widget beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from bot.ledger.operator_store import OperatorStore
from connectors.desk.desk import Desk
from connectors.storefront.storefront import Storefront
from tests.browser.test_widget import open_widget, say, wait_for_bubble, widget
from tests.fakes.running_site import RunningSite

PASSWORD = "correct horse 7"
OpenDesk = Callable[..., Page]


def desk_of(running: RunningSite) -> Desk:
    return Desk(running.store, OperatorStore(running.store.database), {}, signal=running.signal)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """Like the other tests' site, with a desk."""
    running = RunningSite(tmp_path, mounts=lambda running: [Storefront(), desk_of(running)]).start()
    yield running
    running.stop()


def link_of(site: RunningSite, name: str, **options: Any) -> str:
    operators = OperatorStore(site.store.database)
    site.call(operators.add(name, **options))
    return f"{site.url}/desk/login?link={site.call(operators.make_link(name))}"


@pytest.fixture
def open_desk(site: RunningSite, open_page: Any) -> OpenDesk:
    """`open_desk("ana", display_name="Ana Ng", **options of open_page)`: a new operator, by link."""

    def make(name: str, *, display_name: str = "", role: str = "operator", **options: Any) -> Page:
        page: Page = open_page(link_of(site, name, display_name=display_name, role=role), **options)
        page.locator("#new-password").fill(PASSWORD)
        page.locator("#repeat").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator(".presence")).to_be_visible()
        return page

    return make


def ask_for_a_person(open_page: Any, url: str, *texts: str, **options: Any) -> Page:
    page: Page = open_page(url, **options)
    open_widget(page)
    for text in (*texts, "human"):
        say(page, text)
    wait_for_bubble(page, "I ask a colleague.")
    return page


def answer(desk: Page, text: str) -> None:
    desk.locator("#answer").fill(text)
    desk.keyboard.press("Enter")
    expect(desk.locator(".operator .bubble", has_text=text)).to_have_count(1)


def violations(page: Page) -> list[str]:
    page.wait_for_timeout(300)  # a colour that is still fading in has not its contrast yet
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {node['html'][:140]}" for item in found for node in item["nodes"]]


def test_from_the_shopper_s_question_to_the_bot_again(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    desk = open_desk("ana", display_name="Ana Ng")
    expect(desk.locator(".empty")).to_have_text("Nobody is waiting.")
    shopper = ask_for_a_person(open_page, site.url, "card")
    row = desk.locator(".row")
    expect(row).to_have_count(1)
    expect(desk).to_have_title("(1) Desk")
    expect(desk.locator(".toast")).to_contain_text("is waiting for a person")
    row.click()
    expect(desk.locator(".facts")).to_contain_text("Order #W0000001")
    expect(desk.locator(".log")).to_contain_text("I ask a colleague.")
    expect(desk.locator("#answer")).to_be_hidden()
    desk.get_by_role("button", name="Claim").click()
    expect(desk.locator("#answer")).to_be_focused()
    wait_for_bubble(shopper, "Ana Ng has joined the chat.")
    expect(desk).to_have_title("Desk")

    desk.locator("#answer").press_sequentially("Good")
    expect(widget(shopper).locator(".typing")).to_be_visible()
    answer(desk, "Good morning!\nHow can I help?")
    wait_for_bubble(shopper, "Good morning!")
    expect(desk.locator(".state:visible")).to_have_text("Delivered")
    widget(shopper).locator("textarea").press_sequentially("My")
    expect(desk.locator(".typing")).to_be_visible()
    say(shopper, "My parcel is late")
    expect(desk.locator(".shopper .bubble", has_text="My parcel is late")).to_have_count(1)
    expect(desk.locator(".typing")).to_be_hidden()
    expect(widget(shopper).locator(".who")).to_contain_text("Ana Ng")

    desk.get_by_role("button", name="Hand back to the bot").click()
    wait_for_bubble(shopper, "I'm back.")
    say(shopper, "thanks")
    wait_for_bubble(shopper, "echo: thanks")
    wait_for_bubble(shopper, "echo: My parcel is late", count=0)  # the bot was silent in between
    expect(desk.locator("#answer")).to_be_hidden()


def test_two_operators_see_who_has_it(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    ana, ben = open_desk("ana", display_name="Ana"), open_desk("ben", display_name="Ben", locale="zh-CN")
    ask_for_a_person(open_page, site.url)
    for desk in (ana, ben):
        desk.locator(".row").click()
    ana.get_by_role("button", name="Claim").click()
    expect(ben.locator(".invitation")).to_have_text("Ana 正在回复。")
    expect(ben.locator("button.primary")).to_be_hidden()
    expect(ben.locator(".empty")).to_be_visible()
    ben.get_by_role("button", name="全部").click()
    expect(ben.locator(".chip.human")).to_have_text("Ana 负责")


def test_a_claim_that_comes_too_late_says_who_was_first(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    ben = open_desk("ben")
    ask_for_a_person(open_page, site.url)
    ben.locator(".row").click()
    claim = ben.get_by_role("button", name="Claim")
    expect(claim).to_be_visible()
    site.call(OperatorStore(site.store.database).add("ana", display_name="Ana Ng"))
    # The click and the colleague's claim meet: the page has not heard of it yet.
    conversation = site.call(site.store.desk.conversations(("queued",)))[0].id
    ben.route(
        "**/desk/api/claim",
        lambda route: (site.call(site.store.desk.claim_conversation(conversation, "ana")), route.continue_()),
    )
    claim.click()
    expect(ben.locator(".toast.bad")).to_have_text("Ana Ng has this conversation already.")


def test_resolving_is_confirmed(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    desk = open_desk("ana", display_name="Ana")
    shopper = ask_for_a_person(open_page, site.url)
    expect(desk.locator(".row")).to_have_count(1)
    desk.keyboard.press("Alt+ArrowDown")
    expect(desk.get_by_role("button", name="Claim")).to_be_visible()
    desk.keyboard.press("Alt+c")
    expect(desk.locator("#answer")).to_be_focused()
    desk.keyboard.press("Alt+r")
    desk.locator("dialog").get_by_role("button", name="Cancel").click()
    expect(desk.locator("#answer")).to_be_visible()
    desk.keyboard.press("Alt+r")
    desk.keyboard.press("Enter")
    expect(desk.locator(".invitation")).to_have_text("This conversation is closed.")
    wait_for_bubble(shopper, "Ana has left the chat.")
    say(shopper, "one more thing")
    wait_for_bubble(shopper, "echo: one more thing")


def test_enter_while_composing_sends_nothing(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    desk = open_desk("ana")
    shopper = ask_for_a_person(open_page, site.url)
    desk.locator(".row").click()
    desk.keyboard.press("Alt+c")
    field = desk.locator("#answer")
    expect(field).to_be_focused()
    field.fill("ni hao")
    field.evaluate("field => field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true}))")
    desk.keyboard.press("Shift+Enter")
    expect(field).to_have_value("ni hao\n")
    field.fill("你好")
    desk.keyboard.press("Enter")
    wait_for_bubble(shopper, "你好")


def test_a_restart_of_the_server_loses_and_doubles_nothing(
    site: RunningSite, open_page: Any, open_desk: OpenDesk
) -> None:
    desk = open_desk("ana")
    shopper = ask_for_a_person(open_page, site.url)
    desk.locator(".row").click()
    desk.keyboard.press("Alt+c")
    answer(desk, "before")
    wait_for_bubble(shopper, "before")
    site.stop()
    expect(desk.locator(".banner")).to_be_visible()
    answer(desk, "during one")
    answer(desk, "during two")
    expect(desk.locator(".state.bad").first).to_contain_text("Not sent")
    site.start()
    expect(desk.locator(".banner")).to_be_hidden(timeout=20_000)
    wait_for_bubble(shopper, "during two")
    said = widget(shopper).locator(".operator .bubble").all_inner_texts()
    assert said == ["before", "during one", "during two"]
    assert desk.locator(".operator .bubble").all_inner_texts() == said
    expect(desk.locator(".state.bad")).to_have_count(0)


def test_a_reload_keeps_place_and_language(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    desk = open_desk("ana")
    ask_for_a_person(open_page, site.url)
    desk.locator(".row").click()
    desk.get_by_role("button", name="切换到中文").click()
    expect(desk.get_by_role("button", name="接手")).to_be_visible()
    desk.reload()
    expect(desk.get_by_role("button", name="接手")).to_be_visible()
    expect(desk.locator("html")).to_have_attribute("lang", "zh-CN")


def test_the_switch_tells_the_bot_the_truth(site: RunningSite, open_desk: OpenDesk) -> None:
    desk = open_desk("ana")
    operators = OperatorStore(site.store.database)
    assert site.call(operators.anyone_present())
    desk.get_by_role("switch").click()
    expect(desk.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    assert not site.call(operators.anyone_present())


def test_a_new_shopper_is_heard_until_muted(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    desk = open_desk("ana")
    desk.evaluate(
        "() => { window.tones = 0; const start = OscillatorNode.prototype.start;"
        " OscillatorNode.prototype.start = function (...a) { window.tones += 1; return start.apply(this, a); }; }"
    )
    ask_for_a_person(open_page, site.url)
    expect(desk.locator(".row")).to_have_count(1)
    desk.wait_for_function("window.tones === 2")
    desk.get_by_role("button", name="Mute the sound").click()
    ask_for_a_person(open_page, site.url)
    expect(desk.locator(".row")).to_have_count(2)
    assert desk.evaluate("window.tones") == 2


def test_logging_in_with_a_password_and_out(site: RunningSite, open_page: Any, open_desk: OpenDesk) -> None:
    open_desk("ana")
    page = open_page(f"{site.url}/desk")
    expect(page).to_have_url(f"{site.url}/desk/login")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    page.goto(f"{site.url}/desk")
    expect(page).to_have_url(f"{site.url}/desk/login")


def test_the_link_leaves_the_address_bar_and_works_once(site: RunningSite, open_page: Any) -> None:
    link = link_of(site, "ana", display_name="Ana Ng")
    page = open_page(link)
    expect(page.get_by_role("heading")).to_have_text("Welcome, Ana Ng")
    expect(page).to_have_url(f"{site.url}/desk/login")
    page.locator("#new-password").fill(PASSWORD)
    page.locator("#repeat").fill("something else")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The two passwords are not the same.")
    page.locator("#repeat").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".presence")).to_be_visible()
    again = open_page(link, locale="zh-CN")
    expect(again.get_by_role("alert")).to_contain_text("该链接已使用或已过期")
    expect(again.get_by_role("link", name="前往登录")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("colour", ["light", "dark"])
def test_no_barrier(site: RunningSite, open_page: Any, open_desk: OpenDesk, locale: str, colour: str) -> None:
    options = {"locale": locale, "color_scheme": colour}
    login = open_page(f"{site.url}/desk/login", **options)
    assert violations(login) == []
    desk = open_desk("ana", **options)
    assert violations(desk) == []
    ask_for_a_person(open_page, site.url, "card", "buttons")
    desk.locator(".row").click()
    expect(desk.locator(".facts .card")).to_be_visible()
    assert violations(desk) == []
    desk.keyboard.press("Alt+c")
    answer(desk, "Hello")
    assert violations(desk) == []
    desk.keyboard.press("Alt+r")
    expect(desk.locator("dialog")).to_be_visible()
    assert violations(desk) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 768), (768, 1024), (390, 800)])
def test_it_fits(site: RunningSite, open_page: Any, open_desk: OpenDesk, width: int, height: int) -> None:
    desk = open_desk("ana", width=width, height=height)
    ask_for_a_person(open_page, site.url, "card")
    desk.locator(".row").click()
    desk.keyboard.press("Alt+c")
    answer(desk, "Hello " * 60)
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Resolve", "Send"):
        box = desk.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height


def test_news_in_my_conversations_show_while_i_read_another(
    site: RunningSite, open_page: Any, open_desk: OpenDesk
) -> None:
    desk = open_desk("ana")
    first = ask_for_a_person(open_page, site.url)
    expect(desk.locator(".row")).to_have_count(1)
    desk.locator(".row").click()
    desk.keyboard.press("Alt+c")
    expect(desk.locator("#answer")).to_be_focused()
    desk.locator("#answer").fill("half an answer")
    ask_for_a_person(open_page, site.url)
    desk.get_by_role("button", name="Waiting").click()
    desk.locator(".row").click()
    expect(desk).to_have_title("(1) Desk")
    say(first, "are you still there?")
    expect(desk).to_have_title("(2) Desk")
    desk.get_by_role("button", name="Mine").click()
    expect(desk.locator(".row .dot")).to_have_count(1)
    desk.locator(".row").click()
    expect(desk).to_have_title("(1) Desk")
    expect(desk.locator("#answer")).to_have_value("half an answer")


def test_every_word_is_there_in_both_languages(site: RunningSite, open_page: Any) -> None:
    page = open_page(f"{site.url}/desk/login")
    keys = page.evaluate(
        "async () => { const { textsOf } = await import('/desk/text.js');"
        " return ['en', 'zh'].map((language) =>"
        " Object.entries(textsOf(language)).map(([key, text]) => [key, typeof text])); }"
    )
    assert keys[0] == keys[1]
    assert len(keys[0]) > 80
