"""One step of a story as events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.domain import Domain, Slot
from bot.errors import Mark
from bot.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.messages import Json
from bot.tracker import SHOULD_NOT_BE_SET
from bot.training_data.data import ActionStep, LoopStep, SlotStep, Step, UserStep

Path = tuple[tuple[Event, Mark | None], ...]
"""Events, each with the place where it is written."""


def events_of(step: Step, domain: Domain, is_rule: bool) -> Path:
    """What happens in one step, and where it is written. In a rule, emptiness is written out."""
    if isinstance(step, UserStep):
        return tuple((event, step.mark) for event in _user_events(step, domain))
    if isinstance(step, ActionStep):
        return ((ActionExecuted(name=step.name, action_text=step.text if step.name is None else None), step.mark),)
    empty = SHOULD_NOT_BE_SET if is_rule else None
    if isinstance(step, LoopStep):
        return ((ActiveLoop(name=step.name or empty), step.mark),)
    if isinstance(step, SlotStep):
        value = step.value if step.has_value else _any_value(domain.slots.get(step.name))
        return ((SlotSet(name=step.name, value=empty if value is None else value), step.mark),)
    return ()


def _any_value(slot: Slot | None) -> Any:
    """A value for a story that only says that the slot was filled."""
    return {"bool": True, "float": 1.0}.get(slot.type if slot else "text", "filled")


def _user_events(step: UserStep, domain: Domain) -> Iterator[Event]:
    entities: list[Json] = [
        {**item, "value": "" if item.get("value") is None else item["value"]} for item in step.entities
    ]
    intent = step.intent.partition("/")[0] if step.intent else None  # policies see a retrieval intent's family only
    text = step.text if intent is None else None
    parse: Json = {"intent": {"name": intent, "confidence": 1.0} if intent else {}, "entities": entities}
    yield UserUttered(text=text, parse_data=parse)
    for slot in domain.slots.values():
        if (found := _entity_value(slot, entities)) is not None:
            yield SlotSet(name=slot.name, value=found)


def _entity_value(slot: Slot, entities: Sequence[Json]) -> Any:
    """What the message's entities put into the slot; None for nothing."""
    values = []
    for mapping in slot.mappings:
        if mapping.type != "from_entity" or (mapping.conditions and mapping.conditions[0].active_loop is not None):
            continue
        wanted = (mapping.entity, mapping.role, mapping.group)
        values += [e["value"] for e in entities if (e.get("entity"), e.get("role"), e.get("group")) == wanted]
    if not values:
        return None
    return values if slot.type == "list" else values[-1]
