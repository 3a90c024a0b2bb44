"""Messages written as commands: `/intent{"entity": "value"}` and `/intent@0.8`.

Source: Rasa 3.6's handling of such messages, as recorded.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from bot.domain import DEFAULT_INTENTS, Domain
from bot.messages import Json

_COMMAND = re.compile(r"^\s*/(?P<intent>[^{@]+)(?:@(?P<confidence>[0-9]+(?:\.[0-9]+)?))?(?P<entities>\{.+\})?", re.S)
_EXTRACTOR = "RegexMessageHandler"

_log = logging.getLogger(__name__)


def parse_command(text: str, domain: Domain) -> Json | None:
    """Parse data of a command; None when the text is no command or names no intent of the domain."""
    match = _COMMAND.match(text)
    if match is None:
        return None
    full = match["intent"].strip()
    name = full if full in domain.intents else full.split("/", 1)[0]
    if name not in domain.intents and name not in DEFAULT_INTENTS[:4]:
        _log.debug("no intent is named %r; the message is taken as text", full)
        return None
    confidence = min(float(match["confidence"]), 1.0) if match["confidence"] else 1.0
    intent = {"name": name, "confidence": confidence}
    entities = _entities(match, domain) if match["entities"] else []
    data: Json = {"intent": intent, "entities": entities, "text": text, "intent_ranking": [dict(intent)]}
    if full != name:
        chosen = {"response": {"intent_response_key": full, "utter_action": f"utter_{full}"}}
        data["response_selector"] = {"default": chosen, name: chosen}
    return data


def _entities(match: re.Match[str], domain: Domain) -> list[Json]:
    try:
        values: Any = json.loads(match["entities"])
    except (ValueError, RecursionError) as error:
        _log.warning("the entities of %r are no JSON and are left out: %s", match[0], error)
        return []
    found: list[Json] = []
    for name, value in values.items():
        if name not in domain.entities:
            _log.debug("the domain has no entity %r; it is left out", name)
            continue
        for item in value if isinstance(value, list) else [value]:
            place = {"start": match.start("entities"), "end": match.end("entities"), "extractor": _EXTRACTOR}
            found.append({"entity": name, "value": item} | place)
    return found
