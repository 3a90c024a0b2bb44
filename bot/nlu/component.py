"""The contract of one NLU step.

A pipeline is a list of components from `config.yml`. A component reads what earlier ones wrote into the ParseResult
and writes its own part. Components see whole batches, so that one encoder pass serves many messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from bot.messages import Json
from bot.training_data.data import TrainingData


@dataclass(slots=True)
class ParseResult:
    """What the pipeline understood of one text. `to_json()` is Rasa's /model/parse answer.

    Args:
        text: as the shopper wrote it.
        intent: `{"name": str | None, "confidence": 0..1}`.
        entities: Rasa's objects: entity, value, start, end, extractor, confidence_entity, role, group.
        intent_ranking: best first, like `intent`.
        extra: further top-level keys (`response_selector`, `language`, ...).
        features: what components pass on to later ones (token offsets, vectors); never serialised.
    """

    text: str
    intent: Json = field(default_factory=lambda: {"name": None, "confidence": 0.0})
    entities: list[Json] = field(default_factory=list)
    intent_ranking: list[Json] = field(default_factory=list)
    extra: Json = field(default_factory=dict)
    features: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> Json:
        head: Json = {"text": self.text, "intent": self.intent, "entities": self.entities}
        return head | {"intent_ranking": self.intent_ranking} | self.extra


class Component(Protocol):
    """One step. Constructed with its settings from config.yml (without `name`)."""

    requires: tuple[str, ...]
    """Keys of ParseResult.features that an earlier component must assign."""
    assigns: tuple[str, ...]
    """Keys of ParseResult.features that this one assigns."""

    def __init__(self, settings: Mapping[str, Any]) -> None: ...

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        """Learn. `results`: one for each NLU example, in order, as earlier components left them."""

    def parse(self, results: Sequence[ParseResult]) -> None:
        """Add this step's part to each result, in place."""

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        """What was learnt: JSON, and named numpy arrays (for safetensors)."""

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        """The component as it was after training."""
