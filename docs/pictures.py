"""Draws the pictures of the docs from the running demo shop, in both languages.

    .venv/bin/python -m docs.pictures

Needs Debian's chromium and, for Chinese, a font that has it (fonts-noto-cjk).
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.test_journey import EN, ZH, Script
from tests.journeys.demo import COMMAND, Demo, copied

IMAGES = Path(__file__).parent / "images"


def say(page: Page, text: str) -> None:
    page.locator("shoptalk-widget textarea").fill(text)
    page.keyboard.press("Enter")
    page.wait_for_timeout(2500)


def shopper(browser: Browser, demo: Demo, script: Script, *, mails: int, **options: object) -> Page:
    """A shopper who has seen their order."""
    facts = demo.facts()
    page = browser.new_context(locale=script.locale, **options).new_page()  # type: ignore[arg-type]
    page.goto(demo.url)
    page.locator("shoptalk-widget .launcher").click()
    say(page, script.order.format(number=facts.number))
    say(page, facts.email)
    say(page, demo.code(after=mails))
    return page


def desk(browser: Browser, demo: Demo, script: Script, link: str) -> Page:
    page = browser.new_context(locale=script.locale, viewport={"width": 1280, "height": 800}).new_page()
    page.goto(link)
    page.locator("#new-password").fill("a long pass phrase")
    page.locator("#repeat").fill("a long pass phrase")
    page.keyboard.press("Enter")
    page.locator(".presence").wait_for()
    page.wait_for_timeout(2000)
    return page


def draw(browser: Browser, project: Path, script: Script) -> None:
    name = script.locale[:2]
    demo = Demo(project).start()
    try:
        page = shopper(browser, demo, script, mails=len(demo.mails()), viewport={"width": 1280, "height": 800})
        page.screenshot(path=IMAGES / f"widget-{name}.png")
        add = [COMMAND, "operator", "add", f"ana-{name}", "--display-name", "Ana"]
        told = subprocess.run(
            [*add, "--project", str(project), "--url", demo.url], check=True, capture_output=True, text=True
        )
        operator = desk(browser, demo, script, told.stdout.split()[-1])
        say(page, script.human)
        operator.wait_for_timeout(1000)
        operator.locator(".row").first.click()
        operator.get_by_role("button", name=script.claim).click()
        operator.wait_for_timeout(500)
        operator.locator("#answer").fill(script.greeting)
        operator.keyboard.press("Enter")
        say(page, script.reply)
        operator.wait_for_timeout(4000)
        operator.screenshot(path=IMAGES / f"desk-{name}.png")
        phone = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "device_scale_factor": 2}
        small = shopper(browser, demo, script, mails=len(demo.mails()), **phone)
        small.screenshot(path=IMAGES / f"phone-{name}.png")
    finally:
        demo.stop()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        project = copied(Path(folder) / "shop")
        subprocess.run([COMMAND, "train", "--project", str(project)], check=True)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for script in (EN, ZH):
            draw(browser, project, script)
        browser.close()


if __name__ == "__main__":
    main()
