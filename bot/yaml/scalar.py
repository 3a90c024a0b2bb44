"""What an unquoted word in YAML 1.2 stands for.

Only `true` and `false` are truth values: `yes`, `no`, `on` and `off` are words, as Rasa 3 reads them. Dates stay
text, and so do `.nan` and `.inf`, because JSON has neither.

Source: YAML 1.2 core schema, https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re

Plain = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INT = re.compile(r"[-+]?[0-9][0-9_]*\Z")
_BASED = re.compile(r"[-+]?0(?:x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9]+)\Z")
_NUMERIC_START = frozenset("+-.0123456789")
_MAX_DIGITS = 300
"""Longer runs of digits stay text: no order number or price has them, and a float would overflow."""


def resolve(text: str) -> Plain:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC_START or len(text) > _MAX_DIGITS:
        return text
    return _number(text)


def _number(text: str) -> Plain:
    if _BASED.match(text):
        digits = text.replace("_", "")
        return int(digits, 0) if digits[-1] not in "xob" else text
    if _INT.match(text):
        return int(text.replace("_", ""))
    if not _FLOAT.match(text):
        return text
    value = float(text.replace("_", ""))
    return text if value in (float("inf"), float("-inf")) else value
