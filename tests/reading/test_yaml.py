"""The YAML reader: values as in YAML 1.2, places, aliases, merge keys."""

from __future__ import annotations

from typing import Any

import pytest

from bot.yaml.node import Mapping, Scalar
from bot.yaml.reader import read_bytes
from bot.yaml.report import Report


def read(text: str) -> tuple[Any, Report]:
    report = Report()
    source = read_bytes(text.encode(), "a.yml", report)
    return source.root if source else None, report


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("true", True), ("False", False),
        ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("012", 12), ("0o17", 15), ("0x1F", 31),
        ("0b101", 5), ("1_000", 1000), ("1.50", 1.5), ("-.5", -0.5), ("1e3", 1000.0),
        (".inf", ".inf"), (".nan", ".nan"),
        ("2024-01-02", "2024-01-02"), ("12:30", "12:30"), ("1.2.3", "1.2.3"), ("0x", "0x"), ("+", "+"), ("-", [None]),
        ("#W1", None), ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"),
        ("9" * 400, "9" * 400), ("1e999", "1e999"),
        ("你好", "你好"), ('"\\u4f60"', "你"),
    ],
)  # fmt: skip
def test_scalars_are_read_as_in_yaml_1_2(text: str, value: object) -> None:
    root, report = read(f"key: {text}\n" if text != "-" else "key:\n-\n")
    assert root.value == {"key": value}
    assert not report.problems


def test_nodes_know_their_places() -> None:
    root, _ = read("a: 1\nb:\n  - x\n  - 中: [y, z]\n")
    assert isinstance(root, Mapping)
    key = root.key("b")
    assert key is not None
    assert str(key.mark) == "a.yml:2:1"
    inner = root.get("b").items[1]
    assert str(inner.get("中").items[1].mark) == "a.yml:4:12"


def test_block_lines_know_their_places() -> None:
    root, _ = read("examples: |\n\n    - one\n    - two\n")
    node = root.get("examples")
    assert isinstance(node, Scalar)
    places = [(text, str(node.line_mark(line))) for line, text in node.lines() if text]
    assert places == [("- one", "a.yml:3:5"), ("- two", "a.yml:4:5")]


def test_aliases_and_merge_keys() -> None:
    root, report = read("base: &base {a: 1, b: 2}\nmine:\n  <<: *base\n  b: 3\nother: *base\n")
    assert root.value == {"base": {"a": 1, "b": 2}, "mine": {"a": 1, "b": 3}, "other": {"a": 1, "b": 2}}
    assert not report.problems


def test_many_aliases_of_a_long_text_are_refused() -> None:
    text = f"a: &a {'x' * 100_000}\n" + "".join(f"b{n}: *a\n" for n in range(900))
    root, report = read(text)
    assert root is None
    assert "unfold into too much" in report.problems[0].text


def test_every_duplicate_key_is_reported() -> None:
    _, report = read("a: 1\nb: 2\na: 3\nb: 4\n")
    assert [str(problem.mark) for problem in report.problems] == ["a.yml:3:1", "a.yml:4:1"]


def test_letters_as_codes_in_plain_ascii_files() -> None:
    root, _ = read("a: \\u2764 ok\nb: \\ud83d\\ude00\n")
    assert root.value == {"a": "❤ ok", "b": "😀"}


def test_an_unknown_key_names_the_nearest() -> None:
    root, report = read("respones: {}\n")
    report.unknown_keys(root, ("responses", "intents"), "a domain file")
    assert str(report.problems[0]) == (
        "a.yml:1:1: warning: 'respones' is not known in a domain file and is ignored. Did you mean 'responses'?"
    )
