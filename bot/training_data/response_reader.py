"""`responses:` -> variations, in domain files and in training files."""

from __future__ import annotations

from bot.domain import ResponseCondition, Variation
from bot.messages import Json
from bot.training_data.reading import Reading
from bot.yaml.node import Mapping, Node, Scalar

_KEYS = ("text", "buttons", "image", "custom", "attachment", "elements", "quick_replies", "channel", "condition",
         "metadata", "id", "button_type")  # fmt: skip
_SHOWN = ("text", "buttons", "image", "custom", "attachment", "elements", "quick_replies")
_BUTTON_KEYS = ("title", "payload", "type", "url", "webview_height_ratio", "metadata")


def read_variations(key: Scalar, node: Node, reading: Reading) -> tuple[Variation, ...]:
    """All ways to say the response named by `key`."""
    what = f"the response '{key.text}'"
    if isinstance(node, Scalar) and not node.is_null:
        reading.error(
            node, f"T{what[1:]} must be a list of variations.", f"Write '- text: \"{node.text[:40]}\"' below it."
        )
        return ()
    items = reading.sequence(node, f"T{what[1:]}")
    if not items:
        reading.warning(key, f"T{what[1:]} is empty.", "Write '- text: ...' below it.")
    found = (_variation(item, what, reading) for item in items)
    return tuple(variation for variation in found if variation is not None)


def _variation(item: Node, what: str, reading: Reading) -> Variation | None:
    if isinstance(item, Scalar) and not item.is_null:
        reading.error(item, f"A variation of {what} must have keys.", f"Write '- text: \"{item.text[:40]}\"'.")
        return None
    mapping = reading.mapping(item, f"A variation of {what}")
    if mapping is None:
        return None
    reading.unknown_keys(mapping, _KEYS, "a response")
    if not any(key in mapping for key in _SHOWN):
        reading.error(mapping, f"T{what[1:]} has a variation that shows nothing.", "Give it 'text:' or 'image:'.")
    return Variation(
        text=reading.text(mapping.get("text"), f"The text of {what}"),
        buttons=_buttons(mapping.get("buttons"), what, reading),
        image=reading.text(mapping.get("image"), f"The image of {what}"),
        custom=_plain(mapping.get("custom")),
        attachment=_plain(mapping.get("attachment")),
        elements=_objects(mapping.get("elements"), f"'elements' of {what}", reading),
        quick_replies=_objects(mapping.get("quick_replies"), f"'quick_replies' of {what}", reading),
        channel=reading.text(mapping.get("channel"), f"The channel of {what}"),
        conditions=_conditions(mapping.get("condition"), what, reading),
        metadata=_plain(mapping.get("metadata")),
        id=reading.text(mapping.get("id"), f"The id of {what}"),
    )


def _plain(node: Node | None) -> object:
    return None if node is None else node.value


def _objects(node: Node | None, what: str, reading: Reading) -> tuple[Json, ...]:
    found = (reading.mapping(item, f"An entry of {what}") for item in reading.sequence(node, what))
    return tuple(mapping.value for mapping in found if mapping is not None)


def _buttons(node: Node | None, what: str, reading: Reading) -> tuple[Json, ...]:
    buttons = []
    for item in reading.sequence(node, f"'buttons' of {what}"):
        mapping = reading.mapping(item, "A button")
        if mapping is None:
            continue
        reading.unknown_keys(mapping, _BUTTON_KEYS, "a button")
        title = reading.required_text(mapping, "title", "The title of a button")
        button = mapping.value
        for key in ("title", "payload"):
            # `title: no` is a word here and in Rasa; `title: 5` is meant as one.
            text = title if key == "title" else reading.text(mapping.get(key), f"The {key} of a button")
            if text is not None:
                button[key] = text
        buttons.append(button)
    return tuple(buttons)


def _conditions(node: Node | None, what: str, reading: Reading) -> tuple[ResponseCondition, ...]:
    found = []
    for item in reading.sequence(node, f"'condition' of {what}"):
        mapping = reading.mapping(item, "A condition")
        if mapping is None:
            continue
        reading.unknown_keys(mapping, ("type", "name", "value"), "a condition")
        name = reading.required_text(mapping, "name", "The slot's name in a condition")
        kind = reading.text(mapping.get("type"), "The type of a condition") or "slot"
        if kind != "slot":
            reading.error(mapping.get("type"), f"A condition of type '{kind}' does not exist.", "Write 'type: slot'.")
        node_of_name = mapping.get("name")
        if name is not None and isinstance(node_of_name, Scalar):
            reading.refer("slot", node_of_name, f"a condition of {what}")
            found.append(ResponseCondition(name, _plain(mapping.get("value")), kind))
    return tuple(found)


def read_responses(node: Node | None, reading: Reading) -> dict[str, tuple[Scalar, tuple[Variation, ...], Node]]:
    """A `responses:` section: name -> its key, its variations, its node."""
    mapping = reading.mapping(node, "'responses'")
    items = mapping.items() if isinstance(mapping, Mapping) else ()
    return {key.text: (key, read_variations(key, child, reading), child) for key, child in items}
