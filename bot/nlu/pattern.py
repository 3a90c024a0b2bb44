"""Regular expressions of merchants, matched by RE2: time grows with the text and never with the pattern's malice."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)

_MAX_MEMORY_BYTES = 8 << 20


class Pattern:
    """A compiled pattern that matches nothing where RE2 can't understand it (look-around, back-references)."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character offsets of all matches that are not empty."""
        if self._compiled is None:
            return []
        clean = text if text.isascii() else _encodable(text)
        return [match.span() for match in self._compiled.finditer(clean) if match.end() > match.start()]


def _encodable(text: str) -> str:
    """A lone surrogate has no UTF-8 form; one replacement for each keeps the offsets."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def compile_pattern(source: str, *, case_sensitive: bool = False) -> Pattern:
    """Compiles with RE2; a pattern that it refuses is reported once and matches nothing."""
    import re2

    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.max_mem = _MAX_MEMORY_BYTES
    options.log_errors = False
    try:
        return Pattern(re2.compile(source, options=options))
    except re2.error as error:
        log.warning(
            "The pattern %r can't be used: %s. Look-around and back-references don't exist here.", source, error
        )
        return Pattern(None)
