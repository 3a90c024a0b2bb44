"""What every action asks first: which conversation, which language, which turn; and how it apologises."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.shop import normal
from bot.shop.orders import ShopError

_log = logging.getLogger(__name__)

Event = dict[str, Any]
Button = dict[str, str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who is talking.

    Args:
        id: channel and sender, so that a sender id of one channel proves nothing in another.
        language: `en` or `zh`.
        turn: names the shopper's message; the same when the turn is handled again after a crash.
    """

    id: str
    language: str
    turn: str

    @classmethod
    def of(cls, tracker: Tracker) -> Self:
        said = [event for event in tracker.events if event.get("event") == "user"]
        last = said[-1] if said else {}
        turn = last.get("message_id") or f"{len(said)}:{last.get('timestamp')}"
        return cls(
            id=normal.storable(f"{last.get('input_channel') or ''}:{tracker.sender_id}"),
            language="zh" if tracker.slots.get("language") == "zh" else "en",
            turn=str(turn),
        )

    def effect(self, kind: str) -> str:
        """Idempotency key of a side effect of this turn."""
        return hashlib.sha256("\x1f".join((self.id, self.turn, kind)).encode("utf-8", "replace")).hexdigest()


@functools.cache
def words(language: str) -> dict[str, str]:
    """The short words of words.yml in a language."""
    text = Path(__file__).with_name("words.yml").read_text("utf-8")
    found: dict[str, str] = yaml.safe_load(text)[language]
    return found


def apologise(method: Callable[..., list[Event]]) -> Callable[..., list[Event]]:
    """An action whose shop can't answer says so and offers a person. The log gets the kind of failure, no data."""

    @functools.wraps(method)
    def run(self: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Event]:
        try:
            return method(self, dispatcher, tracker, domain)
        except ShopError as error:
            _log.error("%s: %s", self.name(), error)
            dispatcher.utter_message(response="utter_shop_unavailable")
            return []

    return run


def button(title: str, payload: str) -> Button:
    return {"title": title, "payload": payload}
