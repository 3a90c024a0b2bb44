"""Entities marked inside an example: `[berlin](city)`, `[berlin](city:Berlin)`, `[berlin]{"entity": "city"}`.

Source: Rasa's page on the training data format; also `[text][{...}, {...}]` for one text with several entities.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from bot.messages import Json
from bot.training_data.data import EntitySpan

_ENTITY = re.compile(
    r"\[(?P<text>[^\[\]]+)\](?:"
    r"\((?P<entity>[^:()]+)(?::(?P<value>[^()]+))?\)"
    r"|(?P<one>\{[^{}]*\})"
    r"|(?P<many>\[\s*\{[^\[\]]*\}\s*\]))"
)
_LOOKS_MARKED = re.compile(r"\[[^\[\]]*\](?:\(|\{)")
_KEYS = ("entity", "value", "role", "group")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong with one entity, at `offset` into the marked text. A `fatal` one loses the entity."""

    offset: int
    text: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Marked:
    """A text without its mark-up."""

    text: str
    entities: tuple[EntitySpan, ...] = ()
    faults: tuple[Fault, ...] = ()


def parse_markup(marked: str) -> Marked:
    """Take the mark-up out of one example."""
    if "[" not in marked:
        return Marked(marked)
    parts: list[str] = []
    entities: list[EntitySpan] = []
    faults: list[Fault] = []
    size = end = 0
    for match in _ENTITY.finditer(marked):
        before = marked[end : match.start()]
        text = match["text"]
        start = size + len(before)
        size = start + len(text)
        end = match.end()
        parts += [before, text]
        for settings in _settings(match, faults):
            entities.append(_span(settings, text, start))
    parts.append(marked[end:])
    for match in _LOOKS_MARKED.finditer(marked):
        if not _ENTITY.match(marked, match.start()):
            faults.append(Fault(match.start(), _UNREADABLE, fatal=False))
    return Marked("".join(parts), tuple(entities), tuple(sorted(faults)))


_UNREADABLE = 'This entity can\'t be read: write [text](entity) or [text]{"entity": "name", "value": "value"}.'


def _settings(match: re.Match[str], faults: list[Fault]) -> list[Json]:
    if match["entity"] is not None:
        settings = {"entity": match["entity"].strip()}
        return [settings | {"value": match["value"].strip()} if match["value"] else settings]
    text = match["text"]
    try:
        found: Any = json.loads(match["one"] or match["many"])
    except (ValueError, RecursionError):
        faults.append(Fault(match.start(), f"The braces after [{text}] are not valid JSON: check quotes and commas."))
        return []
    good = []
    for settings in found if isinstance(found, list) else [found]:
        if not isinstance(settings.get("entity"), str) or not settings["entity"].strip():
            faults.append(Fault(match.start(), f'The braces after [{text}] name no entity: add "entity": "name".'))
            continue
        good.append(settings)
        for key in settings.keys() - _KEYS:
            known = ", ".join(_KEYS)
            faults.append(Fault(match.start(), f"'{key}' is not known in an entity; known: {known}.", fatal=False))
    return good


def _span(settings: Json, text: str, start: int) -> EntitySpan:
    role, group = settings.get("role"), settings.get("group")
    return EntitySpan(
        start=start,
        end=start + len(text),
        entity=settings["entity"].strip(),
        value=str(settings.get("value", text)),
        role=None if role is None else str(role),
        group=None if group is None else str(group),
    )


def entity_json(span: EntitySpan) -> Json:
    """The span as Rasa's entity object."""
    entity: Json = {"start": span.start, "end": span.end, "value": span.value, "entity": span.entity}
    entity |= {"role": span.role} if span.role else {}
    return entity | ({"group": span.group} if span.group else {})
