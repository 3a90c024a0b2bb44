"""One step of a story or rule: what the shopper says, what the bot does, what is set."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from bot.messages import Json
from bot.training_data.data import ActionStep, CheckpointStep, LoopStep, OrStep, SlotStep, Step, UserStep
from bot.training_data.markup import entity_json, parse_markup
from bot.training_data.reading import Reading
from bot.yaml.node import Mapping, Node, Scalar, Sequence

_SPEAKERS = ("intent", "user", "action", "bot", "active_loop", "form", "checkpoint", "or", "slot_was_set", "slot")
"""Keys that make a step what it is; a checkpoint has `slot_was_set` beside it, so it stands first."""
STEP_KEYS = (*_SPEAKERS, "entities", "metadata", "sentiment", "ner", "commands")
_COMMAND = re.compile(r"/(?P<intent>[^{@\s]+)\s*(?:@[0-9.]+)?\s*(?P<entities>\{.*\})?\s*\Z", re.DOTALL)


def read_steps(node: Node | None, where: str, reading: Reading) -> Iterator[Step]:
    """The steps of `where`, such as "the rule 'Greet'"; one entry may give several slot steps."""
    for item in reading.sequence(node, f"'steps' of {where}"):
        yield from read_step(item, where, reading)


def read_step(item: Node, where: str, reading: Reading) -> Iterator[Step]:
    mapping = _step_mapping(item, where, reading)
    if mapping is None:
        return
    if "intent" in mapping or "user" in mapping:
        yield read_user(mapping, where, reading)
    elif "action" in mapping or "bot" in mapping:
        yield from _action(mapping, where, reading)
    elif "active_loop" in mapping or "form" in mapping:
        yield from _loop(mapping, where, reading)
    elif "checkpoint" in mapping:
        yield from _checkpoint(mapping, where, reading)
    elif "or" in mapping:
        yield from _or(mapping, where, reading)
    else:
        yield from read_slots(mapping.get("slot_was_set") or mapping.get("slot"), mapping, where, reading)


def _step_mapping(item: Node, where: str, reading: Reading) -> Mapping | None:
    if not isinstance(item, Mapping):
        text = f" Found '{item.text[:40]}'." if isinstance(item, Scalar) else ""
        advice = "Write '- intent: ...' or '- action: ...', with a blank after the colon."
        reading.error(item, f"A step of {where} must be a key with a value.{text}", advice)
        return None
    if any(key in item for key in _SPEAKERS):
        reading.unknown_keys(item, STEP_KEYS, "a step")
        return item
    for key, _ in item.items():
        before = len(reading.problems)
        one = Mapping(item.source, item.line, item.column, flow=False)
        one.pairs[key.text] = (key, key)
        reading.unknown_keys(one, _SPEAKERS, "a step")
        if len(reading.problems) > before:
            last = reading.problems.pop()
            reading.error(last.mark, f"'{key.text}' is not a kind of step.", last.advice)
        return None
    reading.error(item, f"A step of {where} is empty.", "Delete it.")
    return None


def read_user(mapping: Mapping, where: str, reading: Reading) -> UserStep:
    """The shopper's turn: `intent` with `entities`, or `user` with marked text, or both."""
    intent = _intent(mapping, where, reading)
    entities = tuple(_entities(mapping.get("entities"), where, reading))
    text = None
    node = mapping.get("user")
    spoken = reading.text(node, f"What the user says in {where}")
    if spoken is not None and node is not None:
        marked = parse_markup(spoken.strip())
        for fault in marked.faults:
            (reading.error if fault.fatal else reading.warning)(node, fault.text)
        text = marked.text.strip()
        entities = entities or tuple(entity_json(span) for span in marked.entities)
        if text.startswith("/") and (command := _command(text, node, reading)):
            intent, entities = intent or command[0], command[1] or entities
    elif intent is None and "intent" not in mapping:
        reading.error(mapping, f"A user step of {where} is empty.", "Write 'intent: ...'.")
    for entity in entities:
        reading.refer_at("entity", str(entity["entity"]), mapping.mark, where)
    return UserStep(intent, text, entities, mapping.mark)


def _intent(mapping: Mapping, where: str, reading: Reading) -> str | None:
    if "intent" not in mapping:
        return None
    name = reading.required_text(mapping, "intent", f"The intent of a step in {where}")
    node = mapping.get("intent")
    if name is None or not isinstance(node, Scalar):
        return None
    if name.startswith("/"):
        reading.warning(node, f"The intent '{name}' begins with a slash.", f"Write '{name[1:]}'.")
        name = name[1:]
        reading.refer_at("intent", name, node.mark, where)
        return name
    return reading.refer("intent", node, where)


def _command(text: str, node: Node, reading: Reading) -> tuple[str, tuple[Json, ...]] | None:
    """`/intent{"entity": "value"}`: the intent and its entities."""
    match = _COMMAND.match(text)
    if match is None:
        return None
    try:
        found = json.loads(match["entities"] or "{}")
    except (ValueError, RecursionError):
        reading.error(node, f"The braces after /{match['intent']} are not valid JSON.", "Check quotes and commas.")
        return match["intent"], ()
    pairs = [
        {"entity": name, "value": each, "start": 0, "end": len(text)}
        for name, value in found.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return match["intent"], tuple(pairs)


def _entities(node: Node | None, where: str, reading: Reading) -> Iterator[Json]:
    """`- city`, or `- city: Rome`, the latter with `role` and `group`."""
    for item in reading.sequence(node, f"'entities' of a step in {where}"):
        if isinstance(item, Scalar) and not item.is_null:
            yield {"entity": item.text, "value": None}
            continue
        mapping = reading.mapping(item, f"An entity in {where}")
        for key, child in mapping.items() if mapping else ():
            if key.text not in ("role", "group") and mapping is not None:
                marks = {part: reading.text(mapping.get(part), f"The {part}") for part in ("role", "group")}
                yield {"entity": key.text, "value": child.value} | {k: v for k, v in marks.items() if v is not None}


def _action(mapping: Mapping, where: str, reading: Reading) -> Iterator[ActionStep]:
    if "bot" in mapping:
        text = reading.required_text(mapping, "bot", f"What the bot says in {where}")
        if text is not None:
            yield ActionStep(text=text.strip(), mark=mapping.mark)
        return
    name = reading.required_text(mapping, "action", f"The action of a step in {where}")
    node = mapping.get("action")
    if name is not None and isinstance(node, Scalar):
        yield ActionStep(reading.refer("action", node, where), mark=mapping.mark)


def _loop(mapping: Mapping, where: str, reading: Reading) -> Iterator[LoopStep]:
    node = mapping.get("active_loop") or mapping.get("form")
    if isinstance(node, Mapping):  # Rasa 1 wrote `form: {name: ...}`
        node = node.get("name")
    if node is None or node.is_null:
        yield LoopStep(None, mapping.mark)
    elif reading.text(node, f"The active_loop in {where}") is not None and isinstance(node, Scalar):
        yield LoopStep(reading.refer("loop", node, where), mapping.mark)


def _checkpoint(mapping: Mapping, where: str, reading: Reading) -> Iterator[CheckpointStep]:
    name = reading.required_text(mapping, "checkpoint", f"The name of a checkpoint in {where}")
    if name is not None:
        slots = mapping.get("slot_was_set")
        yield CheckpointStep(name, tuple(read_slots(slots, mapping, where, reading)) if slots else (), mapping.mark)


def _or(mapping: Mapping, where: str, reading: Reading) -> Iterator[OrStep]:
    choices: list[UserStep | SlotStep] = []
    for item in reading.sequence(mapping.get("or"), f"'or' in {where}"):
        found = list(read_step(item, where, reading))
        good = [step for step in found if isinstance(step, (UserStep, SlotStep))]
        if len(good) != len(found) or len(good) > 1:
            reading.error(
                item, "Each choice of 'or' must be one intent or one slot.", "Write separate stories instead."
            )
        choices += good[:1]
    if choices:
        yield OrStep(tuple(choices), mapping.mark)
    else:
        reading.error(mapping, f"An 'or' in {where} has no choices.", "List intents or slots below it.")


def read_slots(node: Node | None, parent: Mapping, where: str, reading: Reading) -> Iterator[SlotStep]:
    """`slot_was_set`: a list of names or of `name: value`, or one mapping of them."""
    if node is None or node.is_null:
        reading.error(parent, f"'slot_was_set' in {where} names no slot.", "Write '- name: value' below it.")
        return
    for item in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(item, Scalar) and not item.is_null:
            yield SlotStep(reading.refer("slot", item, where), has_value=False, mark=item.mark)
            continue
        mapping = reading.mapping(item, f"A slot in {where}")
        for key, child in mapping.items() if mapping else ():
            yield SlotStep(reading.refer("slot", key, where), child.value, mark=key.mark)
