"""Replaces an entity's value by the one that its synonyms stand for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Self

from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.training_data.data import TrainingData

log = logging.getLogger(__name__)


class EntitySynonymMapper:
    """Upper and lower case do not matter. Learns the file's synonyms and those that examples write in their mark-up."""

    requires: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._value_of: dict[str, str] = {}

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        self._value_of = {spelling.lower(): value for spelling, value in data.nlu.synonyms.items()}
        for example in data.nlu.examples:
            for span in example.entities:
                spelling = example.text[span.start : span.end].lower()
                if spelling != span.value.lower():
                    self._learn(spelling, span.value)

    def _learn(self, spelling: str, value: str) -> None:
        known = self._value_of.setdefault(spelling, value)
        if known != value:
            log.warning("Synonym %r stands for both %r and %r; the first is kept.", spelling, known, value)

    def parse(self, results: Sequence[ParseResult]) -> None:
        for result in results:
            for entity in result.entities:
                value = self._value_of.get(str(entity["value"]).lower())
                if value is not None and value != entity["value"]:
                    entity["value"] = value
                    entity.setdefault("processors", []).append("EntitySynonymMapper")

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        return {"value_of": self._value_of}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        mapper = cls(settings)
        mapper._value_of = dict(state["value_of"])
        return mapper
