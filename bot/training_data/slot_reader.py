"""One slot of the domain: type, mappings, conditions."""

from __future__ import annotations

from typing import cast, get_args

from bot.domain import MappingCondition, Slot, SlotMapping, SlotType
from bot.errors import nearest
from bot.training_data.reading import Reading
from bot.yaml.node import Mapping, Node, Scalar

SLOT_TYPES = get_args(SlotType)
MAPPING_TYPES = ("from_entity", "from_text", "from_intent", "from_trigger_intent", "custom")
_MAPPING_KEYS = ("type", "entity", "role", "group", "intent", "not_intent", "value", "action", "conditions")
_KEYS = ("type", "mappings", "initial_value", "influence_conversation", "values", "min_value", "max_value")
_OLD_KEYS = ("auto_fill",)
_OLD_TYPE = "unfeaturized"


def read_slot(key: Scalar, node: Node, reading: Reading) -> Slot | None:
    """The slot named by `key`; None when it can't be understood."""
    what = f"The slot '{key.text}'"
    mapping = reading.mapping(node, what)
    if mapping is None:
        if node.is_null:
            reading.error(key, f"{what} has no type.", "Write 'type: text' and 'mappings:' below it.")
        return None
    kind, custom = _type(mapping, what, reading)
    if custom is None:
        reading.unknown_keys(mapping, _KEYS + _OLD_KEYS, "a slot")
    influence = reading.flag(mapping.get("influence_conversation"), "influence_conversation", kind != "any")
    return Slot(
        name=key.text,
        type=kind,
        mappings=_mappings(mapping, key, reading),
        initial_value=_value(mapping.get("initial_value")),
        influence_conversation=influence and kind != "any",
        values=_values(mapping, key, kind, reading),
        min_value=reading.number(mapping.get("min_value"), "min_value", 0.0),
        max_value=reading.number(mapping.get("max_value"), "max_value", 1.0),
        custom_type=custom,
    )


def _value(node: Node | None) -> object:
    return None if node is None else node.value


def _type(mapping: Mapping, what: str, reading: Reading) -> tuple[SlotType, str | None]:
    """The type, and the path of a merchant's own class where that is the type."""
    text = reading.required_text(mapping, "type", f"The type of t{what[1:]}")
    if text is None or text in SLOT_TYPES:
        return cast("SlotType", text or "text"), None
    place = mapping.get("type")
    if text == _OLD_TYPE:
        reading.warning(place, f"{what} has the type 'unfeaturized' of Rasa 1.", "Write 'any'.")
        return "any", None
    if "." in text:
        return "any", text
    near = nearest(text, SLOT_TYPES)
    advice = f"Did you mean '{near}'?" if near else f"Types: {', '.join(SLOT_TYPES)}."
    reading.error(place, f"{what} has the unknown type '{text}'.", advice)
    return "text", None


def _values(mapping: Mapping, key: Scalar, kind: SlotType, reading: Reading) -> tuple[str, ...]:
    # Rasa compares categories without regard to case, and writes them so.
    items = reading.sequence(mapping.get("values"), f"'values' of the slot '{key.text}'")
    values = tuple(str(item.text if isinstance(item, Scalar) else item.value).lower() for item in items)
    if kind == "categorical" and not values:
        reading.warning(key, f"The slot '{key.text}' is categorical and lists no values.", "Add 'values:'.")
    return values


def _mappings(mapping: Mapping, key: Scalar, reading: Reading) -> tuple[SlotMapping, ...]:
    node = mapping.get("mappings")
    if node is None or node.is_null:
        advice = "Add 'mappings:', for example '- type: from_entity', or '- type: custom' when an action sets it."
        reading.warning(key, f"The slot '{key.text}' has no mappings: no message will ever fill it.", advice)
        return ()
    items = reading.sequence(node, f"'mappings' of the slot '{key.text}'")
    found = (_mapping(item, key, reading) for item in items)
    return tuple(each for each in found if each is not None)


def _mapping(item: Node, key: Scalar, reading: Reading) -> SlotMapping | None:
    where = f"a mapping of the slot '{key.text}'"
    mapping = reading.mapping(item, f"A{where[1:]}")
    if mapping is None:
        return None
    reading.unknown_keys(mapping, _MAPPING_KEYS, "a slot mapping")
    kind = reading.required_text(mapping, "type", f"The type of {where}")
    if kind is not None and kind not in MAPPING_TYPES:
        near = nearest(kind, MAPPING_TYPES)
        advice = f"Did you mean '{near}'?" if near else f"Types: {', '.join(MAPPING_TYPES)}."
        reading.error(mapping.get("type"), f"'{kind}' is not a type of slot mapping.", advice)
    if kind not in MAPPING_TYPES:
        return None
    _check_parts(mapping, kind, where, reading)
    return SlotMapping(
        type=kind,  # type: ignore[arg-type]
        entity=_referred("entity", mapping, where, reading),
        role=reading.text(mapping.get("role"), f"The role in {where}"),
        group=reading.text(mapping.get("group"), f"The group in {where}"),
        intents=_intents(mapping.get("intent"), where, reading),
        not_intents=_intents(mapping.get("not_intent"), where, reading),
        value=_value(mapping.get("value")),
        action=_referred("action", mapping, where, reading),
        conditions=_conditions(mapping.get("conditions"), where, reading),
    )


def _check_parts(mapping: Mapping, kind: str, where: str, reading: Reading) -> None:
    if kind == "from_entity" and "entity" not in mapping:
        reading.error(mapping, f"The entity is missing in {where}.", "Add 'entity: ...'.")
    if kind in ("from_intent", "from_trigger_intent") and "value" not in mapping:
        reading.error(mapping, f"The value is missing in {where}.", "Add 'value: ...'.")


def _referred(key: str, mapping: Mapping, where: str, reading: Reading) -> str | None:
    node = mapping.get(key)
    text = reading.text(node, f"'{key}' in {where}")
    if text is not None and isinstance(node, Scalar):
        if key == "entity":
            reading.refer("entity", node, where)
        else:
            reading.refer_at("action", text, node.mark, where)
    return text


def _intents(node: Node | None, where: str, reading: Reading) -> tuple[str, ...]:
    return tuple(reading.refer("intent", name, where) for name in reading.names(node, f"An intent in {where}"))


def _conditions(node: Node | None, where: str, reading: Reading) -> tuple[MappingCondition, ...]:
    found = []
    for item in reading.sequence(node, f"'conditions' in {where}"):
        mapping = reading.mapping(item, f"A condition in {where}")
        if mapping is None:
            continue
        reading.unknown_keys(mapping, ("active_loop", "requested_slot"), "a mapping condition")
        loop, slot = mapping.get("active_loop"), mapping.get("requested_slot")
        if loop is None:
            reading.error(mapping, f"The active_loop is missing in a condition of {where[2:]}.", "Name the form.")
        for kind, node_of in (("loop", loop), ("slot", slot)):
            if isinstance(node_of, Scalar) and not node_of.is_null:
                reading.refer("loop" if kind == "loop" else "slot", node_of, where)
        found.append(MappingCondition(reading.text(loop, "active_loop"), reading.text(slot, "requested_slot")))
    return tuple(found)
