"""Whatever the files hold, reading answers with problems and never with a crash."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.config import read_credentials, read_endpoints
from bot.errors import ProjectError
from bot.training_data.markup import parse_markup
from bot.training_data.project import Project, read_test_stories
from bot.training_data.validation import check
from bot.yaml.reader import read_bytes
from bot.yaml.report import Report

WORDS = st.sampled_from([
    "version", "nlu", "intent", "examples", "synonym", "regex", "lookup", "text", "metadata", "stories",
    "story", "steps", "rules", "rule", "condition", "action", "active_loop", "slot_was_set", "checkpoint",
    "or", "user", "bot", "entities", "role", "intents", "slots", "type", "mappings", "from_entity",
    "from_intent", "conditions", "requested_slot", "values", "responses", "utter_a", "buttons", "title",
    "forms", "required_slots", "ignored_intents", "actions", "send_domain", "session_config",
    "session_expiration_time", "e2e_actions", "pipeline", "policies", "name", "action_endpoint", "url",
    "use_entities", "channel", "custom", "3.1", "- a [b](c:d)", "W[", "/a{\"b\": 1}", "", "yes", "${HOME}",
])  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS, st.text(max_size=20))
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=25
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read_everywhere(content: bytes) -> None:
    """Read the bytes as each kind of file that a project has."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "data").mkdir()
        for name in ("domain.yml", "config.yml", "data/a.yml", "endpoints.yml", "credentials.yml"):
            (path / name).write_bytes(content)
        result = check(Project(path), components=["A"], policies=["B"])
        assert all(problem.text for problem in result.problems)
        for attempt in (
            result.raise_errors,
            lambda: read_endpoints(path / "endpoints.yml"),
            lambda: read_credentials(path / "credentials.yml"),
        ):
            with contextlib.suppress(ProjectError):
                attempt()
        read_test_stories(path / "data" / "a.yml")


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    read_everywhere(content)


@QUICK
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    read_everywhere(text.encode("utf-8", "surrogatepass"))


@QUICK
@given(TREES)
def test_any_tree_of_known_words(tree: Any) -> None:
    read_everywhere(yaml.safe_dump(tree, allow_unicode=True).encode())


@QUICK
@given(st.dictionaries(WORDS, TREES, min_size=1, max_size=4))
def test_any_mapping_of_known_words(tree: Any) -> None:
    read_everywhere(yaml.safe_dump(tree, allow_unicode=True).encode())


@QUICK
@given(TREES)
def test_what_is_dumped_is_read_back(tree: Any) -> None:
    report = Report()
    source = read_bytes(yaml.dump(tree, Dumper=yaml.SafeDumper, allow_unicode=True).encode(), "a.yml", report)
    assert source is not None
    assert report.problems == []
    assert source.root is not None
    assert same(source.root.value, tree)


def same(found: Any, meant: Any) -> bool:
    if isinstance(meant, dict):
        return list(found) == sorted(meant) and all(same(found[key], meant[key]) for key in meant)
    if isinstance(meant, list):
        return len(found) == len(meant) and all(map(same, found, meant))
    if isinstance(meant, float) and meant in (float("inf"), float("-inf")):
        return isinstance(found, str)  # JSON has no infinity
    return bool(found == meant)


PLAIN = st.text(
    st.characters(exclude_characters='[](){}:"\\', exclude_categories=("Cs", "Cc")), min_size=1, max_size=10
)


@QUICK
@given(st.lists(st.tuples(PLAIN, PLAIN.filter(str.strip)), max_size=5))
def test_offsets_of_marked_entities_are_exact(pieces: list[tuple[str, str]]) -> None:
    marked = "".join(f"{plain}[{entity}](kind)" for plain, entity in pieces)
    found = parse_markup(marked)
    assert found.text == "".join(plain + entity for plain, entity in pieces)
    assert [found.text[span.start : span.end] for span in found.entities] == [entity for _, entity in pieces]
    assert [span.value for span in found.entities] == [entity for _, entity in pieces]
