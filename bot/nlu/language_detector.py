"""Chinese or English, by script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.training_data.data import TrainingData


def language_of(text: str) -> str | None:
    """`zh`, `en`, or None for a text without letters (digits, an e-mail address, emoji).

    A Chinese character carries about what two or three Latin letters do; an English sentence that quotes one Chinese
    name stays English, a Chinese one full of brand names stays Chinese.
    """
    chinese = sum("\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" for char in text)
    if chinese:
        latin = sum(char.isascii() and char.isalpha() for char in text)
        return "zh" if chinese * 4 >= latin else "en"
    words = [word for word in text.split() if "@" not in word and "://" not in word]
    return "en" if any(_is_word(word) for word in words) else None


def _is_word(word: str) -> bool:
    """An order number such as `SO-10231` says nothing about the language."""
    return any(char.isalpha() for char in word) and not any(char.isdigit() for char in word)


class LanguageDetector:
    """Adds `language` to the result and an entity of that name, so that stories and slots can use it."""

    requires: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ("language",)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._entity = str(settings.get("entity", "language"))

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        """There is nothing to learn."""

    def parse(self, results: Sequence[ParseResult]) -> None:
        for result in results:
            language = language_of(result.text)
            result.features["language"] = language
            if language is None:
                continue
            result.extra["language"] = language
            entity = {"entity": self._entity, "value": language, "start": 0, "end": len(result.text)}
            result.entities.append(entity | {"confidence_entity": 1.0, "extractor": "LanguageDetector"})

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        return {}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        return cls(settings)
