"""Sentence vectors to intents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bot.messages import Json
from bot.nlu.solver import Linear, bucket_of, solve

if TYPE_CHECKING:
    from torch import Tensor

RANKING_LENGTH = 10
"""Rasa's `ranking_length`."""

GAIN = 14.0
"""Sentence vectors have length 1 and lie close together; scaled so, one penalty suits every number of intents."""

SPELLING_PENALTY = 2.0
"""The spelling corrects the meaning (slang, typing errors, product codes) and does not outvote it."""


class IntentHead:
    """One logistic regression on a text's meaning (sentence vector) and spelling (character n-grams)."""

    def __init__(self, names: Sequence[str], center: Tensor, linear: Linear) -> None:
        self._names = list(names)
        self._center = center
        self._linear = linear

    @classmethod
    def train(cls, sentence: Tensor, texts: Sequence[str], intents: Sequence[str]) -> Self:
        """From (N, H) sentence vectors of N texts and their intents."""
        names = sorted(set(intents))
        number = {name: index for index, name in enumerate(names)}
        center = sentence.mean(0)
        linear = solve(
            _scaled(sentence, center),
            [number[intent] for intent in intents],
            count=len(names),
            hashed=[ngrams_of(text) for text in texts],
            table_penalty=SPELLING_PENALTY,
        )
        return cls(names, center, linear)

    def rankings(self, sentence: Tensor, texts: Sequence[str]) -> list[list[Json]]:
        """For each text the likeliest intents, best first; all confidences of a text add up to 1."""
        import torch

        with torch.inference_mode():
            hashed = [ngrams_of(text) for text in texts]
            found = self._linear.scores(_scaled(sentence, self._center), hashed).softmax(1)
            best = found.topk(min(RANKING_LENGTH, len(self._names)))
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        return [[{"name": self._names[n], "confidence": p} for p, n in zip(*pair, strict=True)] for pair in pairs]

    def to_state(self) -> tuple[Json, dict[str, Any]]:
        return {"names": self._names}, self._linear.to_arrays("linear") | {"center": self._center.numpy()}

    @classmethod
    def from_state(cls, state: Json, arrays: Mapping[str, Any]) -> Self:
        import torch

        own = dict(arrays)
        center = torch.from_numpy(np.array(own["center"], np.float32))
        return cls(state["names"], center, Linear.from_arrays("linear", own))


def _scaled(sentence: Tensor, center: Tensor) -> Tensor:
    import torch

    return torch.nn.functional.normalize(sentence - center, dim=1) * GAIN


def ngrams_of(text: str) -> list[int]:
    """Table rows of a text's character n-grams: 2 to 4 inside words, each once. Never empty."""
    found = {bucket_of("\n")}
    for word in text[:400].lower().split():
        marked = f" {word} "
        for size in (2, 3, 4):
            found.update(bucket_of(marked[start : start + size]) for start in range(len(marked) - size + 1))
        found.update(bucket_of(char) for char in word if char >= "\u3400")
    return sorted(found)
