"""An intent whose example stands in the text, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.nlu.units import units_of
from bot.training_data.data import TrainingData


class KeywordIntentClassifier:
    """Rasa's `case_sensitive` setting. The longest example found wins; an intent found by an earlier component stays
    where no example is found."""

    requires: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._sensitive = bool(settings.get("case_sensitive", True))
        self._intent_of: dict[str, str] = {}

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        for example in data.nlu.examples:
            key = self._key(example.text)
            if key.strip():
                self._intent_of.setdefault(key, example.intent.partition("/")[0])

    def parse(self, results: Sequence[ParseResult]) -> None:
        for result in results:
            text = self._key(result.text)
            found = max((key for key in self._intent_of if key in text), key=len, default=None)
            if found is not None:
                result.intent = {"name": self._intent_of[found], "confidence": 1.0}
                result.intent_ranking = [dict(result.intent)]

    def _key(self, text: str) -> str:
        """Units between spaces: one text is in another only at unit boundaries."""
        text = text if self._sensitive else text.lower()
        return f" {' '.join(text[start:end] for start, end in units_of(text))} "

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        return {"intent_of": self._intent_of}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        classifier = cls(settings)
        classifier._intent_of = dict(state["intent_of"])
        return classifier
