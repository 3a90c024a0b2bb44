"""What a slot holds and what the policies see of it.

Source: the slot types page of Rasa 3.x's documentation; numbers checked against recorded conversations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bot.domain import Domain, Slot

REQUESTED_SLOT: Final = "requested_slot"
SESSION_METADATA_SLOT: Final = "session_started_metadata"
SHOULD_NOT_BE_SET: Final = "should_not_be_set"
"""What a rule writes for a slot or loop that must be empty."""

OTHER_VALUE: Final = "__other__"
KNOWLEDGE_BASE_SLOTS: Final = ("knowledge_base_listed_objects", "knowledge_base_last_object",
                               "knowledge_base_last_object_type")  # fmt: skip

Features = tuple[float, ...]


def all_slots(domain: Domain) -> dict[str, Slot]:
    """The declared slots and, after them, those that Rasa adds by itself."""
    slots = dict(domain.slots)
    if domain.forms:
        slots.setdefault(REQUESTED_SLOT, Slot(REQUESTED_SLOT, "text", influence_conversation=False))
    if "action_query_knowledge_base" in domain.actions:
        for name in KNOWLEDGE_BASE_SLOTS:
            slots.setdefault(name, Slot(name, "text", influence_conversation=False))
    slots.setdefault(SESSION_METADATA_SLOT, Slot(SESSION_METADATA_SLOT, "any", influence_conversation=False))
    return slots


def coerce(slot: Slot, value: Any) -> Any:
    """The value as the slot stores it: a list slot wraps a single value."""
    if slot.type == "list" and value and not isinstance(value, list) and value != SHOULD_NOT_BE_SET:
        return [value]
    return value


def is_featurized(slot: Slot) -> bool:
    """Whether the policies see the slot at all."""
    return slot.influence_conversation and slot.type != "any"


def features(slot: Slot, value: Any) -> Features | str | None:
    """What the policies see of `value`: numbers, SHOULD_NOT_BE_SET, or None where they see nothing."""
    if not is_featurized(slot):
        return None
    if isinstance(value, str) and value == SHOULD_NOT_BE_SET:
        return SHOULD_NOT_BE_SET
    found = _FEATURES[slot.type](slot, value)
    return found if any(found) else None


def _text(slot: Slot, value: Any) -> Features:
    return (1.0 if value is not None else 0.0,)


def _list(slot: Slot, value: Any) -> Features:
    return (1.0 if value else 0.0,)


def _bool(slot: Slot, value: Any) -> Features:
    truth = as_bool(value)
    return (0.0, 0.0) if truth is None else (1.0, float(truth))


def _float(slot: Slot, value: Any) -> Features:
    try:
        capped = max(slot.min_value, min(slot.max_value, float(value)))
    except (TypeError, ValueError):
        return (0.0, 0.0)
    return (1.0, (capped - slot.min_value) / (abs(slot.max_value - slot.min_value) or 1.0))


def _categorical(slot: Slot, value: Any) -> Features:
    values = [str(item).lower() for item in slot.values]
    if OTHER_VALUE not in values:
        values.append(OTHER_VALUE)
    if value is None:
        return (0.0,) * len(values)
    text = str(value).lower()
    place = values.index(text if text in values else OTHER_VALUE)
    return tuple(1.0 if i == place else 0.0 for i in range(len(values)))


def as_bool(value: Any) -> bool | None:
    """A bool slot's value as true or false; None where it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value == 1.0
    if isinstance(value, str):
        text = value.strip().lower()
        if text.isnumeric():
            return float(text) == 1.0
        return {"true": True, "false": False}.get(text)
    return None


_FEATURES: dict[str, Callable[[Slot, Any], Features]] = {
    "text": _text, "list": _list, "bool": _bool, "float": _float, "categorical": _categorical,
}  # fmt: skip
