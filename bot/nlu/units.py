"""Text cut into the units that an entity can begin and end at.

A word is a unit; so is each Chinese or Japanese character, because no space shows where a word ends; so is each other
sign. Every span that the entity head finds is made of whole units, in any script.
"""

from __future__ import annotations

import re

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_UNIT = re.compile(rf"[{_CJK}]|[^\W{_CJK}_]+|[^\w\s]|_")

Span = tuple[int, int]


def units_of(text: str) -> list[Span]:
    """Character offsets of each unit, in order."""
    return [match.span() for match in _UNIT.finditer(text)]


def overlaps(units: list[Span], pieces: list[Span]) -> list[list[int]]:
    """For each unit the numbers of the pieces that share a character with it. Both lists are in order."""
    found: list[list[int]] = []
    first = 0
    for start, end in units:
        while first < len(pieces) and pieces[first][1] <= start:
            first += 1
        last = first
        while last < len(pieces) and pieces[last][0] < end:
            last += 1
        found.append(list(range(first, last)))
    return found
