"""`stories:` and `rules:` sections, and test stories."""

from __future__ import annotations

from collections.abc import Iterator

from bot.training_data.data import LoopStep, SlotStep, Story
from bot.training_data.reading import Reading
from bot.training_data.step_reader import read_step, read_steps
from bot.yaml.node import Mapping, Node

_STORY_KEYS = ("story", "steps", "metadata")
_RULE_KEYS = ("rule", "steps", "condition", "conversation_start", "wait_for_user_input", "metadata")


def read_stories(node: Node | None, reading: Reading) -> Iterator[Story]:
    """A `stories:` section."""
    for mapping, name in _named(node, "story", "stories", reading):
        reading.unknown_keys(mapping, _STORY_KEYS, "a story")
        steps = tuple(read_steps(mapping.get("steps"), f"the story '{name}'", reading))
        _check_steps(mapping, f"The story '{name}'", reading)
        yield Story(name, steps, metadata=_plain(mapping.get("metadata")), mark=mapping.mark)


def read_rules(node: Node | None, reading: Reading) -> Iterator[Story]:
    """A `rules:` section."""
    for mapping, name in _named(node, "rule", "rules", reading):
        where = f"the rule '{name}'"
        reading.unknown_keys(mapping, _RULE_KEYS, "a rule")
        _check_steps(mapping, f"T{where[1:]}", reading)
        yield Story(
            name,
            tuple(read_steps(mapping.get("steps"), where, reading)),
            is_rule=True,
            condition=tuple(_condition(mapping.get("condition"), where, reading)),
            conversation_start=reading.flag(mapping.get("conversation_start"), "conversation_start", False),
            wait_for_user_input=reading.flag(mapping.get("wait_for_user_input"), "wait_for_user_input", True),
            metadata=_plain(mapping.get("metadata")),
            mark=mapping.mark,
        )


def _named(node: Node | None, key: str, section: str, reading: Reading) -> Iterator[tuple[Mapping, str]]:
    for item in reading.sequence(node, f"'{section}'"):
        mapping = reading.mapping(item, f"An entry of '{section}'")
        if mapping is None:
            continue
        other = "rule" if key == "story" else "story"
        if key not in mapping and other in mapping:
            advice = f"Move it below '{'rules' if other == 'rule' else 'stories'}:'."
            reading.warning(mapping, f"A {other} stands below '{section}:' and is ignored.", advice)
            continue
        if key not in mapping:
            reading.unknown_keys(mapping, _STORY_KEYS if key == "story" else _RULE_KEYS, f"a {key}")
        name = reading.required_text(mapping, key, f"The name of a {key}")
        if name is not None:
            yield mapping, name


def _check_steps(mapping: Mapping, what: str, reading: Reading) -> None:
    node = mapping.get("steps")
    if node is None or node.is_null:
        reading.error(mapping.key("steps") or mapping, f"{what} has no steps.", "Add 'steps:' with a list below it.")


def _condition(node: Node | None, where: str, reading: Reading) -> Iterator[SlotStep | LoopStep]:
    for item in reading.sequence(node, f"'condition' of {where}"):
        for step in read_step(item, where, reading):
            if isinstance(step, (SlotStep, LoopStep)):
                yield step
            else:
                reading.error(item, f"The condition of {where} can hold only active_loop and slot_was_set.")


def _plain(node: Node | None) -> object:
    return None if node is None else node.value
