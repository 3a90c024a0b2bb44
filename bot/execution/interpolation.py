"""`{slot}` in responses, as Rasa fills it.

A name is anything between single braces without a line break or further braces. Doubled braces stand for themselves.
A name without a value leaves the whole text as it was written, so that the fault is seen.

Source: the Rasa 3.x documentation of responses, and recorded replies.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_PART = re.compile(r"\{\{([^\n{}]*)\}\}|\{([^\n{}]+)\}|(\{\{)|(\}\})")

_log = logging.getLogger(__name__)


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[tuple[str, bool], ...]:
    """The text as pieces: (literal, False) or (name, True)."""
    found: list[tuple[str, bool]] = []
    end = 0
    for match in _PART.finditer(text):
        if match.start() > end:
            found.append((text[end : match.start()], False))
        escaped, name, opening, _ = match.groups()
        if name is not None:
            found.append((name, True))
        else:
            found.append(("{" + escaped + "}" if escaped is not None else "{" if opening else "}", False))
        end = match.end()
    if end < len(text):
        found.append((text[end:], False))
    return tuple(found)


def fill_text(text: str, values: Mapping[str, Any]) -> str:
    """`text` with every `{name}` replaced by the value of that name."""
    if "{" not in text and "}" not in text:
        return text
    try:
        return "".join(str(values[part]) if is_name else part for part, is_name in _parts(text))
    except KeyError as error:
        # The entities of a payload, `/inform{"size": "M"}`, are written like names but are none.
        level = logging.DEBUG if str(error).startswith("'\"") else logging.WARNING
        _log.log(level, "response %r: no slot and no argument is named %s; it is said unfilled", text, error)
        return text


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """A copy of `value` (text, list, object) with every text in it filled; keys stay as they are."""
    if isinstance(value, str):
        return fill_text(value, values)
    if isinstance(value, Mapping):
        return {key: fill(item, values) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, values) for item in value]
    return value
