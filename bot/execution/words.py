"""The engine's own words, in English and Chinese: said where a project has no response for the occasion."""

from __future__ import annotations

import re
from typing import Literal

from bot.tracker import Tracker

Language = Literal["en", "zh", ""]

HANDOFF_COMMAND = "/action_handoff"
"""Payload of the engine's own button that asks for a human, in any project."""
BACK_COMMAND = "/back_to_bot"
"""Payload of the button that takes a waiting conversation back to the bot."""

WORDS: dict[str, tuple[str, str]] = {
    "action_failed": (
        "Sorry, I can't do that at the moment. Please try again in a little while, or talk to a person.",
        "抱歉，我暂时无法完成这项操作。请稍后再试，或转接人工客服。",
    ),
    "handoff_present": (
        "I'm handing you over to a colleague. Someone will answer you here in a moment.",
        "正在为您转接人工客服，请稍候，客服人员会在这里回复您。",
    ),
    "handoff_absent": (
        "None of my colleagues is free right now. Leave your message here and somebody will answer you.",
        "目前没有空闲的人工客服。请在这里留言，我们会尽快回复您。",
    ),
    "handoff_closed": (
        "Our team is out of office at this hour. Leave your message here and we will answer when we are back.",
        "现在不是人工客服的工作时间。请在这里留言，我们上班后会回复您。",
    ),
    "handback": ("You're back with the bot. How else can I help you?", "您已返回机器人客服。还有什么可以帮您？"),
    "button_human": ("Talk to a person", "转人工客服"),
    "button_back": ("Back to the bot", "返回机器人"),
    "affirm": ("Did you mean '{intent}'?", "您的意思是“{intent}”吗？"),
    "yes": ("Yes", "是"),
    "no": ("No", "不是"),
}

BACK_TITLES = frozenset(text.casefold() for text in WORDS["button_back"])

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")


def say(key: str, language: Language) -> str:
    """The words for `key`; in both languages, one a line, where the language is not known."""
    english, chinese = WORDS[key]
    if language == "zh":
        return chinese
    if language == "en":
        return english
    return f"{english}{' / ' if key.startswith('button_') else chr(10)}{chinese}"


def language_of(tracker: Tracker, default: str = "") -> Language:
    """The conversation's language: slot `language`, else the script of the last message, else `default`."""
    slot = str(tracker.slot("language") or "").lower()
    if slot.startswith(("zh", "en")):
        return "zh" if slot.startswith("zh") else "en"
    text = tracker.latest_message.text if tracker.latest_message else None
    if text and not text.startswith("/"):
        if _HAN.search(text):
            return "zh"
        if _LATIN.search(text):
            return "en"
    default = default.lower()
    return "zh" if default.startswith("zh") else "en" if default.startswith("en") else ""
