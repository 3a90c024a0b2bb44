"""`action_extract_slots`: after each message, slots are filled by their mappings, then validated.

Source: the Rasa 3.x documentation of default actions and of `action_validate_slot_mappings`.
"""

from __future__ import annotations

import logging

from bot.domain import Domain
from bot.errors import ActionError
from bot.events import BotUttered, Event, SlotSet
from bot.execution.remote_action import RemoteAction
from bot.execution.situation import Situation
from bot.execution.slot_mapping import SlotMapper
from bot.tracker import Tracker

VALIDATOR = "action_validate_slot_mappings"

_log = logging.getLogger(__name__)


class SlotExtraction:
    """Fills slots from the latest message."""

    def __init__(self, domain: Domain, remote: RemoteAction) -> None:
        self._slots = [slot for slot in domain.slots.values() if slot.mappings]
        self._validates = VALIDATOR in domain.actions
        self._mapper = SlotMapper(domain)
        self._remote = remote

    async def run(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """Slots that the message sets, and what custom actions said on the way."""
        events: list[Event] = []
        custom: list[str] = []
        for slot in self._slots:
            for mapping in slot.mappings:
                if not self._mapper.applies(slot, mapping, tracker):
                    continue
                if (value := self._mapper.value(slot, mapping, tracker)) is not None:
                    events.append(SlotSet(name=slot.name, value=value[0]))
                    break
                if mapping.type == "custom" and mapping.action and mapping.action not in custom:
                    custom.append(mapping.action)
                    events += await self._custom(mapping.action, tracker, situation)
        return await self._validated(events, tracker, situation) if self._validates else events

    async def _custom(self, name: str, tracker: Tracker, situation: Situation) -> list[Event]:
        """Only slots and words of a custom extraction count; when it can't run, nothing is extracted."""
        try:
            events = await self._remote.run(name, tracker, situation)
        except ActionError as error:
            _log.error("slot mapping: %s", error)
            return []
        return _slots_and_words(name, events)

    async def _validated(self, events: list[Event], tracker: Tracker, situation: Situation) -> list[Event]:
        candidates = [event for event in events if isinstance(event, SlotSet)]
        trial = tracker.copy()
        trial.apply_all(candidates)
        try:
            answer = _slots_and_words(VALIDATOR, await self._remote.run(VALIDATOR, trial, situation))
        except ActionError as error:
            # A value that nobody could check is not stored: it may be what protects an order.
            _log.error("slots %s are not set: %s", [event.name for event in candidates], error)
            return [event for event in events if isinstance(event, BotUttered)]
        checked = {event.name for event in answer if isinstance(event, SlotSet)}
        return [*answer, *(e for e in events if not (isinstance(e, SlotSet) and e.name in checked))]


def _slots_and_words(name: str, events: list[Event]) -> list[Event]:
    kept: list[Event] = [event for event in events if isinstance(event, (SlotSet, BotUttered))]
    if len(kept) < len(events):
        others = sorted({event.type for event in events if not isinstance(event, (SlotSet, BotUttered))})
        _log.warning("action %s may only set slots and say something; ignored: %s", name, ", ".join(others))
    return kept
