"""Responses: a `{slot}` in a text that is almost, and not quite, the name of a slot."""

from __future__ import annotations

import re
from difflib import get_close_matches

from bot.training_data.project import ReadResult
from bot.yaml.report import Report

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CLOSE = 0.85
"""Names further apart are taken for values that an action fills in, which only the action knows."""


def check_responses(result: ReadResult, report: Report) -> None:
    """Warn of likely typing errors; each name once a response."""
    if "domain" in result.broken:
        return
    domain = result.data.domain
    for name, variations in domain.responses.items():
        found = (each for variation in variations for each in _PLACEHOLDER.findall(variation.text or ""))
        for slot in dict.fromkeys(found):
            near = [] if slot in domain.slots else get_close_matches(slot, domain.slots, n=1, cutoff=_CLOSE)
            if near:
                text = f"The response '{name}' shows {{{slot}}}, and no slot has this name."
                advice = f"Did you mean {{{near[0]}}}? Ignore this if an action gives the value."
                report.warning(result.declared.get(("response", name)), text, advice)
