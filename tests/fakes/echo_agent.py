"""An agent that needs no model: true to what the worker expects, and it says what a shop's bot would.

buttons        two buttons          card       an order card       image      a picture
human          asks for a person    slow       answers after 1 s   nothing    a turn without an answer
raw {...}      the JSON is the OutboundMessage
/command       "command: ..." when the message was trusted, otherwise it is echoed like any text
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from bot.events import BotUttered, Event, UserUttered
from bot.messages import InboundMessage, Json, OutboundMessage, Status
from bot.turn import Availability, Turn

CARD: Json = {
    "kind": "order",
    "title": "Order #W0000001",
    "subtitle": "2 items",
    "image": "/storefront/sneakers.svg",
    "status": "On its way",
    "lines": [["Total", "$120.50"], ["Carrier", "Parcel post"]],
    "buttons": [{"title": "Where is it?", "payload": "/track"}],
}


class EchoTracker:
    def __init__(self, events: Iterable[Event]) -> None:
        self.events = list(events)

    def apply(self, event: Event) -> None:
        self.events.append(event)


class EchoAgent:
    def __init__(self) -> None:
        self.seen: list[InboundMessage] = []

    def tracker(self, sender_id: str, events: Iterable[Event] = ()) -> EchoTracker:
        return EchoTracker(events)

    async def handle(
        self, tracker: Any, message: InboundMessage, *, status: Status, turn_id: str, availability: Availability
    ) -> Turn:
        self.seen.append(message)
        heard = UserUttered(text=message.text, input_channel=message.channel, message_id=message.id)
        if status in ("queued", "human"):
            return Turn(events=(heard,))
        if message.text == "slow":
            await asyncio.sleep(1)
        answer = _answer(message)
        said = tuple(BotUttered(text=part.text) for part in answer)
        return Turn((heard, *said), answer, "queued" if message.text == "human" else None)


def _answer(message: InboundMessage) -> tuple[OutboundMessage, ...]:
    text = message.text
    if message.kind == "handback":
        return (OutboundMessage(text="I'm back."),)
    if text.startswith("raw "):
        return (OutboundMessage.from_json(json.loads(text[4:])),)
    if text.startswith("/") and message.trusted:
        return (OutboundMessage(text=f"command: {text[1:]}"),)
    match text:
        case "nothing":
            return ()
        case "buttons":
            buttons = ({"title": "Track it", "payload": "/track"}, {"title": "Return it", "payload": "/return"})
            return (OutboundMessage(text="What shall we do?", buttons=buttons),)
        case "card":
            return (OutboundMessage(text="Here it is.", custom={"card": CARD}),)
        case "image":
            return (OutboundMessage(text="Look.", image="/storefront/backpack.svg"),)
        case "human":
            return (OutboundMessage(text="I ask a colleague."),)
    return (OutboundMessage(text=f"echo: {text}"),)
