"""Hostile strings in every field that a shopper, an operator, an action or a model can fill: nothing of it runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_widget import open_widget, say, widget
from tests.fakes.running_site import RunningSite

MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "</p></div><script>alert(1)</script>",
    '"><a href="javascript:alert(1)">click</a>',
    "<style>*{display:none}</style>",
    "{{constructor.constructor('alert(1)')()}}",
    "<math><mtext><script>alert(1)</script>",
    "<template shadowrootmode=open><script>alert(1)</script></template>",
    "\u202e<b onmouseover=alert(1)>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "vbscript:msgbox(1)",
    "//evil.example/x.png",
    "\\\\evil.example\\x.png",
    "https://evil.example/' onerror='alert(1)",
    "blob:https://evil.example/1",
    "file:///etc/passwd",
]
LEAKS = """
() => {
  const root = document.querySelector("shoptalk-widget").shadowRoot;
  const bad = [];
  for (const element of root.querySelectorAll("*")) {
    if (["SCRIPT", "IFRAME", "OBJECT", "EMBED", "STYLE", "TEMPLATE", "MATH", "BASE", "LINK"].includes(element.tagName))
      bad.push(element.tagName);
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name === "srcdoc") bad.push(name);
      if (["href", "src", "action"].includes(name) && !/^https?:/.test(value)) bad.push(`${name}=${value}`);
      if (name === "src" && !value.startsWith("https:") && !value.startsWith(location.origin)) bad.push(value);
    }
    for (const image of element.tagName === "A" ? [element] : [])
      if (!image.rel.includes("noopener")) bad.push("link without noopener");
  }
  return bad;
}
"""


def check(page: Page) -> None:
    assert page.evaluate(LEAKS) == []
    expect(widget(page).locator(".panel")).to_be_visible()


def test_what_a_shopper_writes(site: RunningSite, open_page: Any) -> None:
    page = open_page(site.url)
    open_widget(page)
    for text in (*MARKUP, *(address.strip() for address in ADDRESSES)):
        say(page, text)
    expect(widget(page).locator(".entry .bubble", has_text="echo: file:///etc/passwd")).to_have_count(1)
    check(page)
    shown = widget(page).locator(".entry .bubble").all_inner_texts()
    assert all(text in shown for text in MARKUP), "markup must be shown as it was written"


def hostile(text: str, address: str) -> dict[str, Any]:
    button = {"title": text, "payload": f"/x{text}", "sig": text}
    link = {"title": text, "type": "web_url", "url": address}
    return {
        "text": f"{text} {address}",
        "buttons": [button, link, {"title": {"a": text}}, text, None],
        "quick_replies": [button],
        "image": address,
        "attachment": address,
        "custom": {
            "card": {
                "kind": text,
                "title": text,
                "subtitle": text,
                "image": address,
                "status": text,
                "lines": [[text, text], text, [text], None],
                "buttons": [button, link],
            },
            "other": text,
        },
        "elements": [{"title": text, "subtitle": text, "image_url": address, "buttons": [link]}],
        "metadata": {text: address},
        "author": text,
    }


@pytest.mark.parametrize("origin", ["bot", "operator", "system"])
def test_what_an_action_a_model_or_an_operator_says(site: RunningSite, open_page: Any, origin: str) -> None:
    page = open_page(site.url)
    page.context.route("https://evil.example/**", lambda route: route.abort())
    open_widget(page)
    for number, text in enumerate(MARKUP):
        message = hostile(text, ADDRESSES[number % len(ADDRESSES)]) | {"origin": origin}
        say(page, "raw " + json.dumps(message))
        expect(widget(page).locator(f".entry .line.{origin}")).to_have_count(number + 1)
    check(page)
    widget(page).locator(".buttons button:visible").first.click()
    expect(widget(page).locator(".entry .line.shopper").last).to_contain_text(MARKUP[-1])
    check(page)


def test_a_stored_queue_from_another_hand(site: RunningSite, open_page: Any) -> None:
    """What lies in localStorage may have been written by anyone who ran a script on this page once."""
    page = open_page(site.url)
    items = [{"type": "message", "id": f"abcdefgh{n}", "text": text} for n, text in enumerate(MARKUP)]
    key = f"shoptalk {site.url}"
    page.evaluate(
        "([key, value]) => localStorage.setItem(key, value)", [key, json.dumps({"queue": items, "seen": "x"})]
    )
    page.reload()
    open_widget(page)
    expect(widget(page).locator(".entry .line.bot")).to_have_count(len(MARKUP))
    check(page)
