"""A merchant's custom action: the call in Rasa's form, and what may come back.

Whatever an action answers, the conversation goes on: an event or a message that can't be used is named in the log
and left out. Only events and messages count; nothing in an answer can change who answers the conversation.

Source: Rasa 3.6's action server protocol, as recorded.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from bot.domain import Domain
from bot.errors import ActionUnavailable, ActionUnknown
from bot.events import ActionExecuted, Event, FollowupAction, SessionStarted, SlotSet, UserUttered, from_json
from bot.execution.endpoint import ActionEndpoint
from bot.execution.response import Responder, to_event
from bot.execution.situation import Situation
from bot.messages import Json
from bot.tracker import Tracker

PROTOCOL_VERSION = "3.6.21"
"""The Rasa version whose protocol the calls speak."""

_INTERNAL_SLOTS = frozenset(("requested_slot", "session_started_metadata"))

_log = logging.getLogger(__name__)


class RemoteAction:
    """Runs any custom action through the project's endpoint."""

    def __init__(self, domain: Domain, endpoint: ActionEndpoint | None, responder: Responder) -> None:
        self._domain = domain
        self._endpoint = endpoint
        self._responder = responder

    async def run(self, name: str, tracker: Tracker, situation: Situation) -> list[Event]:
        """What the action says, then its events.

        Raises:
            ActionUnknown, ActionRejected, ActionUnavailable: see bot.errors.
        """
        if self._endpoint is None:
            raise ActionUnknown(
                f"action {name!r}: the project has no `actions` package and no `action_endpoint` in endpoints.yml",
                action=name,
            )
        answer = await self._endpoint.run(
            {
                "next_action": name,
                "sender_id": tracker.sender_id,
                "tracker": tracker.to_json("NONE") | {"events": [e.to_json() for e in _session(tracker)]},
                "version": PROTOCOL_VERSION,
                "domain": self._domain.raw,
                "turn_id": situation.turn_id,
            }
        )
        said = self._said(name, _entries(name, answer, "responses"), tracker, situation)
        return [*said, *self._events(name, _entries(name, answer, "events"))]

    def _said(self, name: str, entries: list[Json], tracker: Tracker, situation: Situation) -> list[Event]:
        found: list[Event] = []
        for entry in entries:
            values = dict(entry)
            response = values.pop("response", None) or values.get("template")
            message: Json = {}
            if response:
                draft = self._responder.draft(str(response), tracker, situation, values)
                if draft is None:
                    _log.error("action %s: response %r does not exist; nothing is said", name, response)
                    continue
                message = draft | {"utter_action": response}
            found.append(to_event(_merged(message, values)))
        return found

    def _events(self, name: str, entries: list[Json]) -> list[Event]:
        found: list[Event] = []
        for entry in entries:
            try:
                event = from_json(entry)
                self._check(event)
            except ValueError as error:
                _log.error("action %s: event %.200r is ignored: %s", name, entry, error)
                continue
            found.append(event)
        return found

    def _check(self, event: Event) -> None:
        _check_types(event)
        if isinstance(event, SlotSet) and event.name not in self._domain.slots and event.name not in _INTERNAL_SLOTS:
            raise ValueError(f"the domain has no slot {event.name!r}")
        if isinstance(event, FollowupAction) and not self._domain.is_known_action(event.name):
            raise ValueError(f"the domain has no action {event.name!r}")


def _session(tracker: Tracker) -> list[Event]:
    """Events since the latest session began, its start included: as much as Rasa loads and sends."""
    events = tracker.events
    for at in range(len(events) - 1, -1, -1):
        if isinstance(events[at], SessionStarted):
            before = events[max(at - 2, 0) : at]  # the action that started it and the slot with its metadata
            head = [e for e in before if getattr(e, "name", "") in ("action_session_start", "session_started_metadata")]
            return [*head, *events[at:]]
    return events


def _check_types(event: Event) -> None:
    """The few shapes that later code relies on.

    Raises:
        ValueError: one is broken.
    """
    for key, kinds in _TYPES:
        value = getattr(event, key, None)
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            raise ValueError(f"`{key}` can't be {type(value).__name__}")
    if isinstance(event, (SlotSet, FollowupAction)) and not isinstance(event.name, str):
        raise ValueError("`name` must be a text")
    if isinstance(event, ActionExecuted) and not (event.name or event.action_text):
        raise ValueError("`name` is missing")
    if isinstance(event, UserUttered) and not isinstance(event.parse_data.get("entities") or [], list):
        raise ValueError("`entities` must be a list")


_TYPES: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    ("name", str), ("text", str), ("policy", str), ("action_text", str), ("intent", str), ("path", str),
    ("timestamp", (int, float)), ("confidence", (int, float)), ("metadata", Mapping), ("data", dict),
    ("parse_data", dict),
)  # fmt: skip


def _entries(name: str, answer: Any, key: str) -> list[Json]:
    """The list under `key`, without what is no JSON object.

    Raises:
        ActionUnavailable: the answer is not of the protocol's form.
    """
    value = answer.get(key) if isinstance(answer, Mapping) else answer
    if not isinstance(answer, Mapping) or not isinstance(value or [], list):
        raise ActionUnavailable(f"action {name!r} answered without a list of `{key}`", action=name)
    return [entry for entry in value or () if _is_usable(name, key, entry)]


def _is_usable(name: str, key: str, entry: Any) -> bool:
    try:
        json.dumps(entry, allow_nan=False)
    except (TypeError, ValueError) as error:
        _log.error("action %s: one of its %s is ignored: it can't be stored as JSON: %s", name, key, error)
        return False
    if isinstance(entry, dict):
        return True
    _log.error("action %s: one of its %s is ignored: %.200r is not an object", name, key, entry)
    return False


def _merged(message: Json, values: Json) -> Json:
    """The response, overlaid with what the action passed; empty values overlay nothing, buttons are added."""
    buttons = values.pop("buttons", None)
    if isinstance(buttons, list) and buttons:
        message["buttons"] = [*message.get("buttons", ()), *buttons]
    message.update({key: value for key, value in values.items() if value})
    if not isinstance(text := message.get("text"), (str, type(None))):
        message["text"] = str(text)
    return message
