"""What a merchant's YAML says, as plain data with marks. The reader fills it; NLU and policies train on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain import Domain, Variation
from bot.errors import Mark
from bot.messages import Json


@dataclass(frozen=True, slots=True)
class EntitySpan:
    """`start`, `end`: character offsets into the example's text. `value` differs from the text for a synonym."""

    start: int
    end: int
    entity: str
    value: str
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One NLU example. `intent` is full (`faq/shipping` for retrieval intents); `text` has the mark-up removed."""

    text: str
    intent: str
    entities: tuple[EntitySpan, ...] = ()
    metadata: Any = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class NluData:
    """`synonyms`: spelling -> value. `regexes`, `lookups`: name -> patterns / entries."""

    examples: tuple[Example, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    regexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserStep:
    """The shopper's turn. `text` is set for end-to-end steps and test stories. `entities`: Rasa's JSON objects
    (entity, value, role, group; value None when the story names the entity only)."""

    intent: str | None = None
    text: str | None = None
    entities: tuple[Json, ...] = ()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class ActionStep:
    """`text` is set for an end-to-end `bot:` step, `name` otherwise."""

    name: str | None = None
    text: str | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class SlotStep:
    """`slot_was_set`. `has_value` is False when the story names the slot without a value ("set to anything")."""

    name: str
    value: Any = None
    has_value: bool = True
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class LoopStep:
    """`active_loop`: the loop's name, or None where it ends."""

    name: str | None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class CheckpointStep:
    name: str
    slots: tuple[SlotStep, ...] = ()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class OrStep:
    """Alternatives: user steps or slot steps."""

    choices: tuple[UserStep | SlotStep, ...]
    mark: Mark | None = None


Step = UserStep | ActionStep | SlotStep | LoopStep | CheckpointStep | OrStep


@dataclass(frozen=True, slots=True)
class Story:
    """A story or a rule.

    Args:
        name: as written.
        steps: in order.
        is_rule: came from `rules:`.
        condition: a rule's `condition` block (slot and loop steps).
        conversation_start: the rule holds at the start of a conversation only.
        wait_for_user_input: False when the rule's end does not return to listening.
        metadata: free.
    """

    name: str
    steps: tuple[Step, ...] = ()
    is_rule: bool = False
    condition: tuple[SlotStep | LoopStep, ...] = ()
    conversation_start: bool = False
    wait_for_user_input: bool = True
    metadata: Any = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Everything a model is trained from. `responses` are those of NLU files (retrieval answers); they are also
    merged into `domain.responses`."""

    domain: Domain
    nlu: NluData = field(default_factory=NluData)
    stories: tuple[Story, ...] = ()
    responses: Mapping[str, tuple[Variation, ...]] = field(default_factory=dict)
