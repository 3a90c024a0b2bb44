"""Responses of the domain -> what the bot says.

Source: the Rasa 3.x documentation of responses: variations, channel-specific and conditional ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain import Domain, Variation
from bot.events import BotUttered
from bot.execution.interpolation import fill
from bot.execution.situation import Situation
from bot.messages import Json, OutboundMessage
from bot.tracker import Tracker

DATA_KEYS = ("elements", "quick_replies", "buttons", "attachment", "image", "custom")
_MESSAGE_KEYS = frozenset(("text", *DATA_KEYS))
_FILLED = ("text", "image", "custom", "buttons", "attachment", "quick_replies")


class Responder:
    """Chooses a variation and fills its slots."""

    def __init__(self, domain: Domain) -> None:
        self._responses = domain.responses

    def knows(self, name: str) -> bool:
        return name in self._responses

    def draft(
        self, name: str, tracker: Tracker, situation: Situation, values: Mapping[str, Any] | None = None
    ) -> Json | None:
        """The response as Rasa's message object without `utter_action`; None when no variation fits.

        Args:
            values: what an action passed besides; wins over slots of the same name.
        """
        slots = tracker.now.slots
        fitting = _fitting(self._responses.get(name, ()), slots, situation.channel)
        if not fitting:
            return None
        message = _to_message(situation.choose(fitting))
        known = {**slots, **values} if values else slots
        for key in _FILLED:
            if key in message:
                message[key] = fill(message[key], known)
        return message

    def utter(self, name: str, tracker: Tracker, situation: Situation) -> list[BotUttered]:
        """The response as an event; empty when it does not exist or no variation fits."""
        message = self.draft(name, tracker, situation)
        return [] if message is None else [to_event(message | {"utter_action": name})]


def _fitting(variations: Sequence[Variation], slots: Mapping[str, Any], channel: str | None) -> Sequence[Variation]:
    """The variations to choose from: those for the channel before the others, conditional before unconditional."""
    if len(variations) == 1 and not variations[0].channel and not variations[0].conditions:
        return variations
    groups: dict[tuple[bool, bool], list[Variation]] = {}
    for variation in variations:
        if variation.channel and variation.channel != channel:
            continue
        if all(slots.get(condition.name) == condition.value for condition in variation.conditions):
            groups.setdefault((bool(variation.channel), bool(variation.conditions)), []).append(variation)
    return groups[max(groups)] if groups else ()


def _to_message(variation: Variation) -> Json:
    message: Json = {}
    for key in ("text", "image", "custom", "attachment", "metadata", "id", "channel"):
        if (value := getattr(variation, key)) is not None:
            message[key] = value
    for key in ("buttons", "elements", "quick_replies"):
        if value := getattr(variation, key):
            message[key] = [dict(item) if isinstance(item, Mapping) else item for item in value]
    if variation.conditions:
        message["condition"] = [{"type": c.type, "name": c.name, "value": c.value} for c in variation.conditions]
    return message


def to_event(message: Json) -> BotUttered:
    """Rasa's event for a message object: what is not shown becomes metadata; an image is also the attachment."""
    data = {key: message.get(key) for key in DATA_KEYS}
    data["attachment"] = data["attachment"] or data["image"]
    metadata = {key: value for key, value in message.items() if key not in _MESSAGE_KEYS}
    return BotUttered(text=message.get("text"), data=data, metadata=metadata)


def to_outbound(event: BotUttered) -> OutboundMessage:
    """What the shopper is to see of an event."""
    data = event.data
    attachment, image = data.get("attachment"), data.get("image")
    custom = data.get("custom") or None
    return OutboundMessage(
        text=event.text,
        buttons=_objects(data.get("buttons")),
        image=image or None,
        attachment=None if attachment == image else attachment,
        custom=custom if custom is None or isinstance(custom, dict) else {"value": custom},
        elements=_objects(data.get("elements")),
        quick_replies=_objects(data.get("quick_replies")),
        metadata={key: value for key, value in event.metadata.items() if key not in ("model_id", "assistant_id")},
    )


def _objects(value: Any) -> tuple[Json, ...]:
    """A list of objects; anything else that an action may have put there is not shown."""
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, (list, tuple)) else ()
