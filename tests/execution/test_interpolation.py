"""`{slot}` in responses against Rasa's rule, written down as the reference."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.execution.interpolation import fill, fill_text

NAMES = st.sampled_from(["name", "order number", "a.b", "数量", "x-1", "!"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.integers(), max_size=2))
PIECES = st.one_of(
    NAMES.map(lambda name: "{" + name + "}"),
    NAMES.map(lambda name: "{{" + name + "}}"),
    st.sampled_from(["{{", "}}", "\n", "hello ", "你好", "%s", "0", "{{}}", "$", "[0]"]),
)


def as_rasa(text: str, values: dict[str, Any]) -> str:
    """Rasa 3.6's rule: names become index expressions of one format argument; a name without value changes nothing."""
    try:
        filled = re.sub(r"{([^\n{}]+?)}", r"{0[\1]}", text).format(values)
    except KeyError:
        return text
    return re.sub(r"{0\[([^}]*)\]}", r"{\1}", filled) if "0[" in filled else filled


@given(st.lists(PIECES, max_size=8).map("".join), st.dictionaries(NAMES, VALUES))
def test_text_is_filled_as_in_rasa(text: str, values: dict[str, Any]) -> None:
    try:
        expected = as_rasa(text, values)
    except ValueError:  # a single brace: there Rasa's bot says nothing, ours says the text
        assert isinstance(fill_text(text, values), str)
        return
    if "0[" not in expected:  # a value that itself looks like Rasa's inner notation
        assert fill_text(text, values) == expected


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=5), VALUES))
def test_any_text_can_be_filled(text: str, values: dict[str, Any]) -> None:
    assert isinstance(fill_text(text, values), str)


@given(st.text(max_size=20))
def test_what_a_shopper_typed_is_never_filled_again(value: str) -> None:
    assert fill_text("<{name}>", {"name": value}) == f"<{value}>"


def test_missing_value_leaves_the_text_as_written() -> None:
    assert fill_text("{greeting} {name}", {"greeting": "hi"}) == "{greeting} {name}"


def test_none_and_bool_read_as_in_rasa() -> None:
    assert fill_text("{a} {b}", {"a": None, "b": False}) == "None False"


def test_lists_and_objects_are_filled_through_and_copied() -> None:
    buttons = [{"title": "{n}", "payload": '/x{{"n": "{n}"}}', "deep": [1, {"k": "{n}"}]}]
    assert fill(buttons, {"n": "7"}) == [{"title": "7", "payload": '/x{"n": "7"}', "deep": [1, {"k": "7"}]}]
    assert buttons[0]["title"] == "{n}"
