"""Where a text matches the project's lookup tables and regular expressions: features for the entity head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from bot.messages import Json
from bot.nlu.pattern import Pattern, compile_pattern
from bot.nlu.units import Span, units_of
from bot.training_data.data import NluData


class Gazetteer:
    """Table entries are found unit by unit in a hash table: 100,000 product names cost no more than ten."""

    def __init__(self, entries: Mapping[str, Sequence[str]], patterns: Mapping[str, Sequence[str]]) -> None:
        self._names_of = {entry: list(names) for entry, names in entries.items()}
        self._longest = max((entry.count("\n") + 1 for entry in entries), default=0)
        self._sources = {name: list(sources) for name, sources in patterns.items()}
        self._patterns: list[tuple[str, Pattern]] = [
            (name, compile_pattern(source)) for name, sources in self._sources.items() for source in sources
        ]

    @classmethod
    def from_data(cls, data: NluData) -> Self:
        """From lookup tables and regular expressions; an entry may stand in several tables."""
        entries: dict[str, list[str]] = {}
        for name, texts in data.lookups.items():
            for text in texts:
                key = _key(text, units_of(text))
                if key and name not in entries.setdefault(key, []):
                    entries[key].append(name)
        return cls(entries, data.regexes)

    def matches(self, text: str, units: Sequence[Span]) -> list[list[str]]:
        """For each unit the names of the lists and patterns that it is part of, with `B`egin or `I`nside."""
        found: list[list[str]] = [[] for _ in units]
        for first in range(len(units)):
            for size in range(min(self._longest, len(units) - first), 0, -1):
                names = self._names_of.get(_key(text, units[first : first + size]))
                if names:
                    for index in range(first, first + size):
                        found[index] += [f"{'B' if index == first else 'I'}:{name}" for name in names]
                    break
        for name, pattern in self._patterns:
            for start, end in pattern.spans(text):
                inside = [index for index, (a, b) in enumerate(units) if a < end and b > start]
                for index in inside:
                    found[index].append(f"{'B' if index == inside[0] else 'I'}:{name}")
        return found

    def to_json(self) -> Json:
        return {"entries": self._names_of, "patterns": self._sources}

    @classmethod
    def from_json(cls, state: Json) -> Self:
        return cls(state["entries"], state["patterns"])


def _key(text: str, units: Sequence[Span]) -> str:
    return "\n".join(text[start:end].lower() for start, end in units)
