"""Says `nlu_fallback` where the bot can't be sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.training_data.data import TrainingData

FALLBACK_INTENT = "nlu_fallback"


class FallbackClassifier:
    """Rasa's rule: fall back below `threshold`, or when the two best are closer than `ambiguity_threshold`.

    The fallback's own confidence is the threshold, and it stands first in the ranking.
    """

    requires: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._threshold = float(settings.get("threshold", 0.3))
        self._ambiguity = float(settings.get("ambiguity_threshold", 0.1))

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        """There is nothing to learn."""

    def parse(self, results: Sequence[ParseResult]) -> None:
        for result in results:
            if self._is_unsure(result):
                fallback = {"name": FALLBACK_INTENT, "confidence": self._threshold}
                result.intent = fallback
                result.intent_ranking.insert(0, dict(fallback))

    def _is_unsure(self, result: ParseResult) -> bool:
        if result.intent["confidence"] < self._threshold:
            return True
        ranking = result.intent_ranking
        return len(ranking) > 1 and ranking[0]["confidence"] - ranking[1]["confidence"] < self._ambiguity

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        return {}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        return cls(settings)
