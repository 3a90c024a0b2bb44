"""Rasa's events as frozen data, with Rasa 3.6's JSON.

`event.to_json()` gives the object that Rasa's HTTP API, tracker stores and action server exchange; `from_json` reads
it back, also the shorter objects that rasa_sdk's `rasa_sdk.events` functions return.

Source: the event objects in Rasa 3.6's OpenAPI document and in recorded trackers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from bot.messages import Json

_NAMES: dict[str, tuple[str, ...]] = {}


def _names(cls: type[Event]) -> tuple[str, ...]:
    """The fields of one kind of event beyond those that all share."""
    names = _NAMES.get(cls.type)
    if names is None:
        names = tuple(f.name for f in fields(cls) if f.name not in ("timestamp", "metadata"))
        _NAMES[cls.type] = names
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events share. `timestamp` is seconds since the epoch; None when not yet stamped."""

    type: ClassVar[str] = ""
    timestamp: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Json:
        head: Json = {"event": self.type, "timestamp": self.timestamp, "metadata": dict(self.metadata)}
        for name in _names(type(self)):
            head[name] = getattr(self, name)
        return head


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUttered(Event):
    """The shopper said something. `parse_data`: intent, entities, intent_ranking ... as Rasa's /model/parse answers."""

    type: ClassVar[str] = "user"
    text: str | None = None
    parse_data: Json = field(default_factory=dict)
    input_channel: str | None = None
    message_id: str | None = None

    @property
    def intent(self) -> str | None:
        return (self.parse_data.get("intent") or {}).get("name")

    @property
    def entities(self) -> list[Json]:
        return self.parse_data.get("entities") or []


@dataclass(frozen=True, slots=True, kw_only=True)
class BotUttered(Event):
    """The bot said something. `data`: elements, quick_replies, buttons, attachment, image, custom."""

    type: ClassVar[str] = "bot"
    text: str | None = None
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUttered(Event):
    """A human operator said something (Rasa's name for the event is `agent`). `data` may hold the operator's name."""

    type: ClassVar[str] = "agent"
    text: str | None = None
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionExecuted(Event):
    """An action ran, chosen by `policy` with `confidence` in 0..1 (both None for the first action_listen)."""

    type: ClassVar[str] = "action"
    name: str | None = None
    policy: str | None = None
    confidence: float | None = None
    action_text: str | None = None
    hide_rule_turn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSet(Event):
    type: ClassVar[str] = "slot"
    name: str
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveLoop(Event):
    """A form or other loop starts (`name`) or ends (None)."""

    type: ClassVar[str] = "active_loop"
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopInterrupted(Event):
    type: ClassVar[str] = "loop_interrupted"
    is_loop_interrupted: bool = False

    def to_json(self) -> Json:
        head: Json = {"event": self.type, "timestamp": self.timestamp, "metadata": dict(self.metadata)}
        return head | {"is_interrupted": self.is_loop_interrupted}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionExecutionRejected(Event):
    type: ClassVar[str] = "action_execution_rejected"
    name: str
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupAction(Event):
    type: ClassVar[str] = "followup"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinePrevUserUtteredFeaturization(Event):
    """Whether the policies see the user's text (True) or the intent (False) for the last user turn."""

    type: ClassVar[str] = "user_featurization"
    use_text_for_featurization: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitiesAdded(Event):
    type: ClassVar[str] = "entities"
    entities: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderScheduled(Event):
    """`date_time` is ISO 8601; when it passes, `intent` with `entities` is handled as an external message."""

    type: ClassVar[str] = "reminder"
    intent: str
    entities: Any = None
    date_time: str = ""
    name: str | None = None
    kill_on_user_msg: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderCancelled(Event):
    type: ClassVar[str] = "cancel_reminder"
    name: str | None = None
    intent: str | None = None
    entities: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(Event):
    type: ClassVar[str] = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    type: ClassVar[str] = "session_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllSlotsReset(Event):
    type: ClassVar[str] = "reset_slots"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUtteranceReverted(Event):
    type: ClassVar[str] = "rewind"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReverted(Event):
    type: ClassVar[str] = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPaused(Event):
    type: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationResumed(Event):
    type: ClassVar[str] = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryExported(Event):
    type: ClassVar[str] = "export"
    path: str | None = None


EVENTS: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        UserUttered, BotUttered, AgentUttered, ActionExecuted, SlotSet, ActiveLoop, LoopInterrupted,
        ActionExecutionRejected, FollowupAction, DefinePrevUserUtteredFeaturization, EntitiesAdded, ReminderScheduled,
        ReminderCancelled, Restarted, SessionStarted, AllSlotsReset, UserUtteranceReverted, ActionReverted,
        ConversationPaused, ConversationResumed, StoryExported,
    )
}  # fmt: skip

_OLD_NAMES = {"form": "active_loop", "form_validation": "loop_interrupted"}


def from_json(data: Mapping[str, Any]) -> Event:
    """The event that a JSON object stands for; unknown keys are dropped, missing ones take their defaults.

    Raises:
        ValueError: the object has no known `event` name, or lacks a required key.
    """
    name = data.get("event")
    cls = EVENTS.get(_OLD_NAMES.get(str(name), str(name)))
    if cls is None:
        raise ValueError(f"unknown event {name!r}; known are: {', '.join(sorted(EVENTS))}")
    known = ("timestamp", "metadata", *_names(cls))
    if "is_interrupted" in data:
        data = {**data, "is_loop_interrupted": data["is_interrupted"]}
    values = {key: value for key, value in data.items() if key in known and not (key == "metadata" and value is None)}
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"event {name!r}: {error}") from None


def now() -> float:
    """Seconds since the epoch, for an event's timestamp."""
    return time.time()
