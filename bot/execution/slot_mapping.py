"""Does a slot mapping apply to the latest message, and which value does it give?

Source: the Rasa 3.x documentation of slot mappings; recorded conversations with forms.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot.domain import Domain, Slot, SlotMapping
from bot.events import BotUttered, UserUttered
from bot.tracker import REQUESTED_SLOT, Tracker


class SlotMapper:
    """Reads slots from messages, for one domain."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._unique = {name: self._unique_mappings(name) for name in domain.forms}

    def applies(self, slot: Slot, mapping: SlotMapping, tracker: Tracker) -> bool:
        """Whether intent, conditions and the running form allow the mapping."""
        return (
            self._is_intent_desired(mapping, tracker)
            and _is_condition_met(slot.name, mapping, tracker)
            and not self._is_ambiguous(slot.name, mapping, tracker)
        )

    def value(self, slot: Slot, mapping: SlotMapping, tracker: Tracker) -> tuple[Any] | None:
        """The value in a tuple, since None and False are values too; None when the message has none."""
        found = _values(mapping, tracker)
        if not found:
            return None
        value = found if slot.type == "list" else found[-1]
        return None if value is None and tracker.slot(slot.name) is None else (value,)

    def _is_intent_desired(self, mapping: SlotMapping, tracker: Tracker) -> bool:
        intent = tracker.latest_message.intent if tracker.latest_message else None
        if mapping.intents:
            return intent in mapping.intents
        form = self._domain.forms.get(tracker.active_loop_name or "")
        if form and intent in form.ignored_intents and _is_for_loop(mapping, form.name):
            return False
        return intent not in mapping.not_intents

    def _is_ambiguous(self, slot: str, mapping: SlotMapping, tracker: Tracker) -> bool:
        """An entity that could fill several slots of the running form fills only the one that was asked for."""
        form = self._domain.forms.get(tracker.active_loop_name or "")
        if form is None or mapping.type != "from_entity" or tracker.slot(REQUESTED_SLOT) == slot:
            return False
        return slot in form.required_slots and mapping not in self._unique[form.name]

    def _unique_mappings(self, form: str) -> list[SlotMapping]:
        slots = (self._domain.slots.get(name) for name in self._domain.forms[form].required_slots)
        mappings = [mapping for slot in slots if slot for mapping in slot.mappings if mapping.type == "from_entity"]
        counts = Counter(repr(mapping) for mapping in mappings)
        return [mapping for mapping in mappings if counts[repr(mapping)] == 1]


def _is_for_loop(mapping: SlotMapping, loop: str) -> bool:
    return not mapping.conditions or any(condition.active_loop == loop for condition in mapping.conditions)


def _is_condition_met(slot: str, mapping: SlotMapping, tracker: Tracker) -> bool:
    if not mapping.conditions or mapping.type == "from_trigger_intent":
        return True
    loop, requested = tracker.active_loop, tracker.slot(REQUESTED_SLOT)
    if loop and loop.rejected and requested == slot:
        return False
    name = tracker.active_loop_name
    return any(
        condition.active_loop == name and (name is None or condition.requested_slot in (None, requested))
        for condition in mapping.conditions
    )


def _values(mapping: SlotMapping, tracker: Tracker) -> list[Any]:
    message = tracker.latest_message
    if message is None or mapping.type == "custom" or _has_answered(tracker):
        return []
    if mapping.type == "from_entity":
        return [
            item.get("value")
            for item in tracker.now.entities
            if item.get("entity") == mapping.entity
            and item.get("role") == mapping.role
            and item.get("group") == mapping.group
        ]
    if mapping.type == "from_text":
        return [message.text]
    if mapping.type == "from_trigger_intent":
        loops = [condition.active_loop for condition in mapping.conditions]
        return [] if tracker.active_loop_name in loops else [mapping.value]
    return [mapping.value]


def _has_answered(tracker: Tracker) -> bool:
    """Whether the bot has spoken since the latest message: then the message was used already."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return False
        if isinstance(event, BotUttered):
            return True
    return False
