"""Picks the answer of a retrieval intent: `faq/shipping` among all of `faq`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self

from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.nlu.intent_head import IntentHead
from bot.training_data.data import TrainingData


class ResponseSelector:
    """One head for each retrieval intent, on the sentence vectors that the classifier computed.

    Settings: `retrieval_intent` limits it to one of them. The result stands in `response_selector`, as in Rasa: under
    the retrieval intent's name, or `default` when none is configured.
    """

    requires: tuple[str, ...] = ("sentence_vector",)
    assigns: tuple[str, ...] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._only: str | None = settings.get("retrieval_intent")
        self._head: IntentHead | None = None
        self._responses: dict[str, list[Json]] = {}

    @property
    def _key(self) -> str:
        return self._only or "default"

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        import torch

        chosen = [
            (example.intent, result)
            for example, result in zip(data.nlu.examples, results, strict=True)
            if "/" in example.intent and (self._only is None or example.intent.partition("/")[0] == self._only)
        ]
        if not chosen:
            return
        intents = [intent for intent, _ in chosen]
        sentence = torch.stack([result.features["sentence_vector"] for _, result in chosen])
        self._head = IntentHead.train(sentence, [result.text for _, result in chosen], intents)
        responses = {**data.domain.responses, **data.responses}
        for intent in set(intents):
            self._responses[intent] = [_plain(asdict(item)) for item in responses.get(f"utter_{intent}", ())]

    def parse(self, results: Sequence[ParseResult]) -> None:
        if self._head is None or not results:
            return
        import torch

        sentence = torch.stack([result.features["sentence_vector"] for result in results])
        rankings = self._head.rankings(sentence, [result.text for result in results])
        for result, ranking in zip(results, rankings, strict=True):
            found = result.extra.setdefault("response_selector", {})
            found["all_retrieval_intents"] = sorted({intent.partition("/")[0] for intent in self._responses})
            found[self._key] = {
                "response": self._response(ranking[0]),
                "ranking": [self._rank(item) for item in ranking],
            }

    def _rank(self, item: Json) -> Json:
        return {"confidence": item["confidence"], "intent_response_key": item["name"]}

    def _response(self, best: Json) -> Json:
        name = best["name"]
        return self._rank(best) | {"responses": self._responses.get(name, []), "utter_action": f"utter_{name}"}

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        if self._head is None:
            return {}, {}
        state, arrays = self._head.to_state()
        return {"head": state, "responses": self._responses}, arrays

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        selector = cls(settings)
        if state:
            selector._head = IntentHead.from_state(state["head"], arrays)
            selector._responses = state["responses"]
        return selector


def _plain(value: Any) -> Any:
    """A response as JSON: what is empty is left out."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item not in (None, (), {}, [])}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
