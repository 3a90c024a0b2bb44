"""Runs one action, whatever kind it is, and gives back the events it leads to.

Order of search: forms, built-in actions (unless the project has one of the same name), responses, end-to-end
utterances, custom actions.

Source: the Rasa 3.x documentation of default actions; recorded conversations.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from bot.domain import Domain
from bot.events import (
    ActionExecuted,
    ActiveLoop,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
)
from bot.execution.endpoint import ActionEndpoint
from bot.execution.fallback import TwoStageFallback, ask_affirmation, revert_fallback
from bot.execution.form import FormLoop
from bot.execution.handoff import HANDOFF, Handoff
from bot.execution.loop import Loop, run_loop
from bot.execution.remote_action import RemoteAction
from bot.execution.response import Responder, to_event
from bot.execution.situation import Situation
from bot.execution.slot_extraction import SlotExtraction
from bot.tracker import REQUESTED_SLOT, Tracker

Run = Callable[[Tracker, Situation], list[Event] | Awaitable[list[Event]]]

OURS_ALWAYS = frozenset(("action_listen", HANDOFF))
"""Built-in actions that a project can't replace."""

_log = logging.getLogger(__name__)


class Executor:
    """Runs actions for one domain.

    Args:
        endpoint: runs custom actions; None when the project has none.
    """

    def __init__(self, domain: Domain, endpoint: ActionEndpoint | None) -> None:
        self._domain = domain
        self._responder = Responder(domain)
        self._remote = RemoteAction(domain, endpoint, self._responder)
        self._extraction = SlotExtraction(domain, self._remote)
        self.handoff = Handoff(self._responder)
        self._forms = {name: FormLoop(name, domain, self._remote, self.run) for name in domain.forms}
        self._two_stage = TwoStageFallback(self.run)
        self._built_in = {
            name: run for name, run in self._all_built_in().items() if name in OURS_ALWAYS or name not in domain.actions
        }

    async def run(self, name: str, tracker: Tracker, situation: Situation) -> list[Event]:
        """The events that the action leads to, bot utterances among them; the tracker stays as it is.

        Raises:
            ActionUnknown, ActionRejected, ActionUnavailable: see bot.errors.
        """
        if (loop := self.loop(name)) is not None:
            return await run_loop(loop, tracker, situation)
        if (built_in := self._built_in.get(name)) is not None:
            found = built_in(tracker, situation)
            return found if isinstance(found, list) else await found
        if name in self._domain.responses or (name.startswith("utter_") and name not in self._domain.e2e_actions):
            return self._utter(name, tracker, situation)
        if name in self._domain.e2e_actions:
            return [to_event({"text": name})]
        return await self._remote.run(name, tracker, situation)

    async def extract_slots(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """Slots that the latest message sets (`action_extract_slots`)."""
        return await self._extraction.run(tracker, situation)

    def loop(self, name: str) -> Loop | None:
        """The loop of that name, if it is one."""
        if name == TwoStageFallback.name and name not in self._domain.actions:
            return self._two_stage
        return self._forms.get(name)

    def form(self, name: str | None) -> FormLoop | None:
        return self._forms.get(name) if name else None

    def _all_built_in(self) -> dict[str, Run]:
        return {
            "action_listen": lambda tracker, situation: [],
            "action_unlikely_intent": lambda tracker, situation: [],
            "action_restart": self._then("utter_restart", Restarted()),
            "action_back": self._then("utter_back", UserUtteranceReverted(), UserUtteranceReverted()),
            "action_default_fallback": self._then("utter_default", UserUtteranceReverted()),
            "action_default_ask_rephrase": self._then("utter_ask_rephrase"),
            "action_default_ask_affirmation": ask_affirmation,
            "action_revert_fallback_events": lambda tracker, situation: revert_fallback(tracker),
            "action_session_start": self.session_start,
            "action_deactivate_loop": lambda tracker, situation: [
                ActiveLoop(name=None),
                SlotSet(name=REQUESTED_SLOT, value=None),
            ],
            "action_extract_slots": self.extract_slots,
            "action_send_text": lambda tracker, situation: [to_event({"text": situation.metadata.get("message", "")})],
            HANDOFF: self.handoff.handed_off,
        }

    def _then(self, response: str, *events: Event) -> Run:
        """An action that says something, if the project has the response, and adds events."""
        return lambda tracker, situation: [*self._responder.utter(response, tracker, situation), *events]

    def session_start(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """The built-in `action_session_start`: a new session, with the old one's slots where the domain wants it."""
        carried: list[Event] = []
        if self._domain.session.carry_over_slots:
            carried = [
                SlotSet(name=event.name, value=event.value, metadata=event.metadata)
                for event in tracker.applied_events()
                if isinstance(event, SlotSet)
            ]
        return [SessionStarted(), *carried, ActionExecuted(name="action_listen")]

    def _utter(self, name: str, tracker: Tracker, situation: Situation) -> list[Event]:
        if self._responder.knows(name):
            return list(self._responder.utter(name, tracker, situation))
        answer = _retrieved(name, tracker)
        events: list[Event] = [*self._responder.utter(answer, tracker, situation)] if answer else []
        if not events:
            _log.error("response %r does not exist; nothing is said", name)
        return events


def _retrieved(name: str, tracker: Tracker) -> str | None:
    """The response `utter_faq/shipping` that a response selector chose for the action `utter_faq`."""
    message = tracker.latest_message
    selected = message.parse_data.get("response_selector") if message else None
    if not isinstance(selected, dict):
        return None
    entry = selected.get(name.removeprefix("utter_")) or selected.get("default") or {}
    response = entry.get("response") or {}
    answer = response.get("utter_action")
    return answer if isinstance(answer, str) and answer.split("/")[0] == name else None
