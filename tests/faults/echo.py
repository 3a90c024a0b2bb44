"""A bot at the worker's contract that answers every message with its own words, counted by its tracker."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.events import ActionExecuted, BotUttered, Event, UserUttered
from bot.messages import InboundMessage, OutboundMessage
from bot.turn import Turn


class EchoTracker:
    """Counts what the shopper said."""

    def __init__(self, sender_id: str, events: Iterable[Event] = ()) -> None:
        self.sender_id = sender_id
        self.texts: list[str] = []
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        if isinstance(event, UserUttered):
            self.texts.append(event.text or "")


class Echo:
    """Answers `<number of the message in its conversation> <text>`.

    Args:
        effects: file to which each run appends its turn id, as an action with a side effect would.
        pause_s: how long a turn takes.
    """

    def __init__(self, *, effects: Path | None = None, pause_s: float = 0.0) -> None:
        self.effects = effects
        self.pause_s = pause_s
        self.begun = asyncio.Event()

    def tracker(self, sender_id: str, events: Iterable[Event] = ()) -> EchoTracker:
        return EchoTracker(sender_id, events)

    async def handle(self, tracker: EchoTracker, message: InboundMessage, **options: Any) -> Turn:
        self.begun.set()
        if message.text == "poison":
            raise ValueError("a text that nobody can handle")
        if message.text == "deadly":
            os._exit(70)
        if self.effects:
            with self.effects.open("a") as file:
                file.write(f"{options['turn_id']}\n")
        await asyncio.sleep(self.pause_s)
        heard = UserUttered(text=message.text, message_id=message.id, timestamp=time.time())
        if options["status"] in ("queued", "human"):
            return Turn((heard,))
        if message.text == "human":
            return Turn((heard,), (OutboundMessage(text="wait"),), status="queued")
        answer = f"{len(tracker.texts) + 1} {message.text}"
        events = (
            heard,
            ActionExecuted(name="utter_echo", policy="Echo", confidence=1.0, timestamp=time.time()),
            BotUttered(text=answer, timestamp=time.time()),
            ActionExecuted(name="action_listen", timestamp=time.time()),
        )
        return Turn(events, (OutboundMessage(text=answer),))
