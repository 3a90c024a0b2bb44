"""The domain as data: intents, entities, slots, responses, forms, actions, session settings (Rasa 3.x).

`bot.training_data` reads it from YAML; nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.messages import Json

SlotType = Literal["text", "bool", "categorical", "float", "list", "any"]

DEFAULT_INTENTS = ("nlu_fallback", "restart", "back", "session_start", "out_of_scope")
"""Intents that exist without being declared (Rasa's default intents are the first four; EXTERNAL ones are named so)."""

DEFAULT_ACTIONS = (
    "action_listen", "action_restart", "action_session_start", "action_default_fallback", "action_deactivate_loop",
    "action_revert_fallback_events", "action_default_ask_affirmation", "action_default_ask_rephrase",
    "action_two_stage_fallback", "action_unlikely_intent", "action_back", "action_extract_slots", "action_send_text",
    "action_validate_slot_mappings", "...",
)  # fmt: skip
"""Rasa's built-in actions in Rasa's order. `action_handoff` is ours and is known everywhere too: see OWN_ACTIONS."""

OWN_ACTIONS = ("action_handoff",)
"""Built-in actions that Rasa does not have."""


@dataclass(frozen=True, slots=True)
class Intent:
    """`use_entities`: True for all, or the names that influence predictions; `ignore_entities` is subtracted."""

    name: str
    use_entities: bool | tuple[str, ...] = True
    ignore_entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    influence_conversation: bool = True


@dataclass(frozen=True, slots=True)
class MappingCondition:
    """The mapping applies only while `active_loop` runs (None: no loop) and, if given, asks for `requested_slot`."""

    active_loop: str | None
    requested_slot: str | None = None


@dataclass(frozen=True, slots=True)
class SlotMapping:
    type: Literal["from_entity", "from_text", "from_intent", "from_trigger_intent", "custom"]
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    intents: tuple[str, ...] = ()
    not_intents: tuple[str, ...] = ()
    value: Any = None
    action: str | None = None
    conditions: tuple[MappingCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """`custom_type` keeps the module path where the type is a merchant's class."""

    name: str
    type: SlotType
    mappings: tuple[SlotMapping, ...] = ()
    initial_value: Any = None
    influence_conversation: bool = True
    values: tuple[str, ...] = ()
    min_value: float = 0.0
    max_value: float = 1.0
    custom_type: str | None = None


@dataclass(frozen=True, slots=True)
class ResponseCondition:
    """A slot that must hold `value` for the variation to be used."""

    name: str
    value: Any
    type: str = "slot"


@dataclass(frozen=True, slots=True)
class Variation:
    """One way to say a response."""

    text: str | None = None
    buttons: tuple[Json, ...] = ()
    image: str | None = None
    custom: Any = None
    attachment: Any = None
    elements: tuple[Json, ...] = ()
    quick_replies: tuple[Json, ...] = ()
    channel: str | None = None
    conditions: tuple[ResponseCondition, ...] = ()
    metadata: Any = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    name: str
    required_slots: tuple[str, ...] = ()
    ignored_intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """`expiration_min`: minutes of silence after which a new session starts; 0 never."""

    expiration_min: float = 60.0
    carry_over_slots: bool = True


@dataclass(frozen=True, slots=True)
class Domain:
    """Everything the bot knows about its world. All mappings are keyed by name and keep the order of the files.

    `raw` is the merged YAML as plain JSON: what is sent to an action server and answered at GET /domain.
    """

    intents: Mapping[str, Intent] = field(default_factory=dict)
    entities: Mapping[str, Entity] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)
    responses: Mapping[str, tuple[Variation, ...]] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    actions: tuple[str, ...] = ()
    send_domain_actions: frozenset[str] = frozenset()
    e2e_actions: tuple[str, ...] = ()
    session: SessionConfig = field(default_factory=SessionConfig)
    raw: Json = field(default_factory=dict)

    def is_known_action(self, name: str) -> bool:
        return name in self.action_names

    @property
    def action_names(self) -> tuple[str, ...]:
        """All actions in Rasa's order: defaults, own, declared, responses, forms; each once."""
        names = (*DEFAULT_ACTIONS, *OWN_ACTIONS, *self.actions, *self.responses, *self.forms)
        return tuple(dict.fromkeys(names))
