"""Forms: ask for slot after slot, check each answer, stop when all are filled.

A form's answers are checked by the custom action `validate_<form>` where the domain has it. Slots were filled before
the form runs (`action_extract_slots`), so here "an answer" is a slot that was set since the latest message.

Source: the Rasa 3.x documentation of forms; action calls and events recorded from Rasa 3.6.21.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.domain import Domain
from bot.errors import ActionRejected
from bot.events import ActionExecuted, ActionExecutionRejected, ActiveLoop, Event, Restarted, SlotSet, UserUttered
from bot.execution.remote_action import RemoteAction
from bot.execution.situation import Situation
from bot.tracker import REQUESTED_SLOT, Tracker

RunAction = Callable[[str, Tracker, Situation], Awaitable[list[Event]]]


class FormLoop:
    """One form.

    Args:
        run_action: runs the action that asks for a slot.
    """

    def __init__(self, name: str, domain: Domain, remote: RemoteAction, run_action: RunAction) -> None:
        self.name = name
        self._domain = domain
        self._required = domain.forms[name].required_slots
        self._validator = f"validate_{name}" if f"validate_{name}" in domain.actions else None
        self._remote = remote
        self._run_action = run_action

    async def activate(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """Slots that were filled before the form began are checked like answers."""
        return await self._validate(self._prefilled(tracker), tracker, situation)

    async def do(self, tracker: Tracker, situation: Situation, so_far: Sequence[Event]) -> list[Event]:
        events = await self._check_answer(tracker, situation)
        if any(isinstance(event, ActionExecutionRejected) for event in events):
            return events
        return events + await self._request_next(tracker, situation, [*so_far, *events])

    def is_done(self, tracker: Tracker, so_far: Sequence[Event]) -> bool:
        """Done once the last word on `requested_slot` or on the loop is "none"."""
        requested: Any = ...
        loop: str | None = ""
        for event in so_far:
            if isinstance(event, ActionExecutionRejected):
                return False
            if isinstance(event, SlotSet) and event.name == REQUESTED_SLOT:
                requested = event.value
            elif isinstance(event, ActiveLoop):
                loop = event.name
        return requested is None or loop is None

    async def deactivate(self, tracker: Tracker, situation: Situation, so_far: Sequence[Event]) -> list[Event]:
        return []

    async def ask(self, slot: str, tracker: Tracker, situation: Situation) -> list[Event]:
        """What asks the shopper for `slot`; nothing where the domain has no such response or action."""
        for name in (f"action_ask_{self.name}_{slot}", f"utter_ask_{self.name}_{slot}",
                     f"action_ask_{slot}", f"utter_ask_{slot}"):  # fmt: skip
            if name in self._domain.responses or name in self._domain.actions:
                return await self._run_action(name, tracker, situation)
        return []

    def unchecked_answers(self, tracker: Tracker) -> list[Event]:
        """Events that empty the slots which this message filled, for a form whose validator could not run."""
        if self._validator is None or tracker.active_loop_name != self.name:
            return []  # what is filled before the form starts will be checked when it does
        return [SlotSet(name=name, value=None) for name in self._answers(tracker)]

    def _prefilled(self, tracker: Tracker) -> dict[str, Any]:
        return {name: value for name in self._required if (value := tracker.slot(name)) is not None}

    async def _check_answer(self, tracker: Tracker, situation: Situation) -> list[Event]:
        loop = tracker.active_loop
        if tracker.active_loop_name != self.name:  # just activated; what was filled before has been checked
            if self._prefilled(tracker):
                return []
            return await (self._check_or_reject if loop is None else self._validate_nothing)(tracker, situation)
        if loop is None or tracker.latest_action_name != "action_listen" or loop.is_interrupted:
            return await self._validate_nothing(tracker, situation)
        return await self._check_or_reject(tracker, situation)

    async def _validate_nothing(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """The validator still decides which slot comes next."""
        return await self._validate({}, tracker, situation)

    async def _check_or_reject(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """Raises ActionRejected where a slot was asked for and the message filled none: others may handle it."""
        answers = self._answers(tracker)
        events = await self._validate(answers, tracker, situation)
        requested = tracker.slot(REQUESTED_SLOT)
        filled = any(isinstance(e, SlotSet) and e.name != REQUESTED_SLOT for e in events) or (
            bool(answers) and not self._validator
        )
        if requested and not filled and not any(isinstance(e, ActionExecutionRejected) for e in events):
            raise ActionRejected(f"form {self.name!r}: the message does not fill {requested!r}", action=self.name)
        return events

    def _answers(self, tracker: Tracker) -> dict[str, Any]:
        """Slots of this form that were set since the latest message."""
        wanted = {*self._required, tracker.slot(REQUESTED_SLOT)}
        found: list[SlotSet] = []
        for event in reversed(tracker.events):
            if isinstance(event, (UserUttered, Restarted)):
                break
            if isinstance(event, SlotSet) and event.name in wanted and event.name != REQUESTED_SLOT:
                found.append(event)
        return {event.name: event.value for event in reversed(found)}

    async def _validate(self, answers: Mapping[str, Any], tracker: Tracker, situation: Situation) -> list[Event]:
        """The validator's events, and those answers that it did not speak of: silence accepts."""
        if self._validator is None:
            return []
        at = situation.time
        slots = [SlotSet(name=name, value=value, timestamp=at) for name, value in answers.items()]
        requested = SlotSet(name=REQUESTED_SLOT, value=tracker.slot(REQUESTED_SLOT), timestamp=at)
        # The validator takes the slots at the end of the events, behind the form's own action, as the answers.
        trial = self._trial(tracker, [requested, ActionExecuted(name=self.name, timestamp=at), *slots])
        events = await self._remote.run(self._validator, trial, situation)
        checked = {event.name for event in events if isinstance(event, SlotSet)}
        return [*events, *(slot for slot in slots if slot.name not in checked)]

    async def _request_next(self, tracker: Tracker, situation: Situation, so_far: Sequence[Event]) -> list[Event]:
        if self.is_done(tracker, so_far):
            return [SlotSet(name=REQUESTED_SLOT, value=None)]
        asked = next((e.value for e in so_far if isinstance(e, SlotSet) and e.name == REQUESTED_SLOT), None)
        trial = self._trial(tracker, so_far)
        if asked:
            return await self.ask(asked, trial, situation)
        slot = next((name for name in self._required if trial.slot(name) is None), None)
        event = SlotSet(name=REQUESTED_SLOT, value=slot)
        return [event, *await self.ask(slot, trial, situation)] if slot else [event]

    def _trial(self, tracker: Tracker, events: Sequence[Event]) -> Tracker:
        trial = tracker.copy()
        trial.apply_all(events)
        return trial
