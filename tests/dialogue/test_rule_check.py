"""Rules that can't be followed: both places are named, by file and line, with what to do."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.config import ComponentConfig
from bot.errors import ProjectError
from bot.policies.ensemble import Ensemble
from bot.training_data.project import Project, read

DOMAIN = """
version: "3.1"
intents: [greet, bye, ask, affirm, stop]
entities: [city]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  vip: {type: bool, mappings: [{type: custom}]}
forms:
  form: {required_slots: [city]}
responses:
  utter_a: [{text: a}]
  utter_b: [{text: b}]
  utter_c: [{text: c}]
actions: [action_x]
"""


@dataclass(frozen=True)
class Case:
    """`lines`: the two places that the problem must name. `advice`: part of what must be advised."""

    name: str
    rules: str
    stories: str
    lines: tuple[str, str]
    words: tuple[str, ...]
    advice: str


CASES = [
    Case(
        "two rules for one intent",
        "rules:\n"
        "- rule: one\n"
        "  steps:\n  - intent: greet\n  - action: utter_a\n"
        "- rule: two\n"
        "  steps:\n  - intent: greet\n  - action: utter_b\n",
        "",
        ("rules.yml:5", "rules.yml:9"),
        ("one", "two", "utter_a", "utter_b"),
        "condition",
    ),
    Case(
        "a story against a rule",
        "rules:\n- rule: one\n  steps:\n  - intent: greet\n  - action: utter_a\n",
        "stories:\n- story: tale\n  steps:\n  - intent: greet\n  - action: utter_b\n",
        ("rules.yml:5", "stories.yml:5"),
        ("one", "tale", "utter_a", "utter_b"),
        "- action: utter_a",
    ),
    Case(
        "a story goes on where the rule listens",
        "rules:\n"
        "- rule: one\n"
        "  steps:\n  - intent: greet\n  - action: utter_a\n"
        "- rule: two\n"
        "  steps:\n  - intent: greet\n  - action: utter_a\n  - action: utter_b\n",
        "",
        ("rules.yml:2", "rules.yml:10"),
        ("one", "two", "action_listen", "utter_b"),
        "wait_for_user_input: false",
    ),
    Case(
        "a rule for a built-in intent",
        "rules:\n- rule: again\n  steps:\n  - intent: restart\n  - action: utter_a\n",
        "",
        ("rules.yml:5", "built-in"),
        ("again", "action_restart", "utter_a"),
        "condition",
    ),
    Case(
        "the same condition twice",
        "rules:\n"
        "- rule: one\n  condition:\n  - slot_was_set:\n    - vip: true\n"
        "  steps:\n  - intent: ask\n  - action: utter_a\n"
        "- rule: two\n  condition:\n  - slot_was_set:\n    - vip: true\n"
        "  steps:\n  - intent: ask\n  - action: utter_c\n",
        "",
        ("rules.yml:8", "rules.yml:15"),
        ("one", "two", "utter_a", "utter_c"),
        "condition",
    ),
    Case(
        "several turns in a rule",
        "rules:\n"
        "- rule: long\n"
        "  steps:\n  - intent: greet\n  - action: utter_a\n  - intent: bye\n  - action: utter_b\n",
        "",
        ("rules.yml:2", "rules.yml:6"),
        ("long", "2 user turns"),
        "story",
    ),
    Case(
        "a slot set in one rule only",
        "rules:\n"
        "- rule: one\n"
        "  steps:\n  - intent: greet\n  - action: action_x\n  - slot_was_set:\n    - vip: true\n  - action: utter_a\n"
        "- rule: two\n  steps:\n  - intent: bye\n  - action: action_x\n  - action: utter_b\n",
        "",
        ("rules.yml:7", "rules.yml:12"),
        ("action_x", "vip", "two"),
        "slot_was_set",
    ),
    Case(
        "a form started in one rule only",
        "rules:\n- rule: one\n  steps:\n  - intent: greet\n  - action: form\n  - active_loop: form\n"
        "- rule: two\n  steps:\n  - intent: bye\n  - action: form\n",
        "",
        ("rules.yml:6", "rules.yml:10"),
        ("form", "two"),
        "active_loop: form",
    ),
]


def train(folder: Path, rules: str, stories: str = "", *, settings: dict[str, object] | None = None) -> Ensemble:
    (folder / "data").mkdir()
    (folder / "domain.yml").write_text(DOMAIN)
    (folder / "config.yml").write_text("language: en\n")
    (folder / "data" / "rules.yml").write_text(textwrap.dedent(rules))
    (folder / "data" / "stories.yml").write_text(textwrap.dedent(stories))
    ensemble = Ensemble([ComponentConfig("RulePolicy", settings or {})])
    ensemble.train(read(Project(folder)).data)
    return ensemble


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_both_places_are_named(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        train(tmp_path, case.rules, case.stories)
    texts = [str(problem) for problem in caught.value.problems]
    assert len(texts) == 1, texts
    assert all(problem.mark is not None and problem.severity == "error" for problem in caught.value.problems)
    for place in case.lines:
        assert re.search(rf"{re.escape(place)}\b", texts[0]), f"{place} not in: {texts[0]}"
    for word in case.words:
        assert word in texts[0]
    assert case.advice in caught.value.problems[0].advice


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_checks_can_be_turned_off(case: Case, tmp_path: Path) -> None:
    train(tmp_path, case.rules, case.stories, settings={"check_for_contradictions": False, "restrict_rules": False})


AGREEING = {
    "conditions that exclude each other": (
        "rules:\n"
        "- rule: one\n  condition:\n  - slot_was_set:\n    - vip: true\n"
        "  steps:\n  - intent: ask\n  - action: utter_a\n"
        "- rule: two\n  condition:\n  - slot_was_set:\n    - vip: null\n"
        "  steps:\n  - intent: ask\n  - action: utter_b\n",
        "",
    ),
    "a rule for the start only": (
        "rules:\n- rule: one\n  conversation_start: true\n  steps:\n  - intent: greet\n  - action: utter_a\n"
        "- rule: two\n  steps:\n  - intent: bye\n  - action: utter_b\n",
        "stories:\n"
        "- story: tale\n"
        "  steps:\n  - intent: bye\n  - action: utter_b\n  - intent: greet\n  - action: utter_c\n",
    ),
    "a story that goes on after a rule": (
        "rules:\n- rule: one\n  steps:\n  - intent: greet\n  - action: utter_a\n",
        "stories:\n"
        "- story: tale\n"
        "  steps:\n  - intent: greet\n  - action: utter_a\n  - intent: affirm\n  - action: utter_b\n",
    ),
    "a form left by a story": (
        "rules:\n- rule: go\n  steps:\n  - intent: ask\n  - action: form\n  - active_loop: form\n"
        "- rule: done\n  condition:\n  - active_loop: form\n"
        "  steps:\n  - action: form\n  - active_loop: null\n  - action: utter_a\n",
        "stories:\n"
        "- story: leave\n"
        "  steps:\n  - intent: ask\n  - action: form\n  - active_loop: form\n  - intent: stop\n"
        "  - action: action_deactivate_loop\n  - active_loop: null\n",
    ),
}


@pytest.mark.parametrize(("rules", "stories"), AGREEING.values(), ids=AGREEING.keys())
def test_what_agrees_is_accepted(rules: str, stories: str, tmp_path: Path) -> None:
    train(tmp_path, rules, stories)


def test_all_contradictions_are_told_at_once(tmp_path: Path) -> None:
    pairs = [("greet", "utter_a"), ("greet", "utter_b"), ("bye", "utter_b"), ("bye", "utter_c")]
    rules = "rules:\n" + "".join(
        f"- rule: r{i}\n  steps:\n  - intent: {intent}\n  - action: {action}\n"
        for i, (intent, action) in enumerate(pairs)
    )
    with pytest.raises(ProjectError) as caught:
        train(tmp_path, rules)
    assert len(caught.value.problems) == 2
