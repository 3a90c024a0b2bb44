"""Entities that a regular expression or a lookup table of the same name finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.nlu.pattern import Pattern, compile_pattern
from bot.training_data.data import TrainingData

NAME = "RegexEntityExtractor"
ENTRIES_PER_PATTERN = 500
"""A table of many entries becomes several patterns, so that none outgrows RE2's memory."""

SPECIAL = frozenset(".^$*+?()[]{}|\\")


class RegexEntityExtractor:
    """Rasa's settings: `use_lookup_tables`, `use_regexes`, `case_sensitive`, `use_word_boundaries`.

    A name counts when it is an entity of the domain or of an example. Word boundaries are asked for only beside Latin
    letters and digits: Chinese has none.
    """

    requires: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._sources: list[list[str]] = []
        self._patterns: list[tuple[str, Pattern]] = []

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        entities = set(data.domain.entities)
        entities.update(span.entity for example in data.nlu.examples for span in example.entities)
        found: list[list[str]] = []
        if self._settings.get("use_lookup_tables", True):
            for name, entries in data.nlu.lookups.items():
                if name in entities:
                    found += [[name, source] for source in self._table_sources(entries)]
        if self._settings.get("use_regexes", True):
            regexes = data.nlu.regexes.items()
            found += [[name, source] for name, sources in regexes if name in entities for source in sources]
        self._load(found)

    def _table_sources(self, entries: Sequence[str]) -> list[str]:
        """Alternatives, longest first, so that `red wine` is not found as `red`."""
        bounded = bool(self._settings.get("use_word_boundaries", True))
        parts = [_literal(entry, bounded) for entry in sorted(set(entries), key=len, reverse=True) if entry.strip()]
        size = ENTRIES_PER_PATTERN
        return ["|".join(parts[start : start + size]) for start in range(0, len(parts), size)]

    def _load(self, sources: list[list[str]]) -> None:
        sensitive = bool(self._settings.get("case_sensitive", False))
        self._sources = sources
        self._patterns = [(name, compile_pattern(source, case_sensitive=sensitive)) for name, source in sources]

    def parse(self, results: Sequence[ParseResult]) -> None:
        for result in results:
            seen = {(item["entity"], item.get("start"), item.get("end")) for item in result.entities}
            for name, pattern in self._patterns:
                for start, end in pattern.spans(result.text):
                    if (name, start, end) not in seen:
                        seen.add((name, start, end))
                        result.entities.append(_entity(name, result.text, start, end))

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        return {"sources": self._sources}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        extractor = cls(settings)
        extractor._load(state["sources"])
        return extractor


def _entity(name: str, text: str, start: int, end: int) -> Json:
    entity = {"entity": name, "start": start, "end": end, "value": text[start:end]}
    return entity | {"confidence_entity": 1.0, "extractor": NAME}


def _literal(entry: str, bounded: bool) -> str:
    entry = entry.strip()
    quoted = "".join(f"\\{char}" if char in SPECIAL else char for char in entry)
    if not bounded:
        return quoted
    before = r"\b" if entry[0].isascii() and entry[0].isalnum() else ""
    after = r"\b" if entry[-1].isascii() and entry[-1].isalnum() else ""
    return f"{before}{quoted}{after}"
