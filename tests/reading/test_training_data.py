"""Examples, stories, rules, test stories."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.training_data.data import (
    ActionStep,
    CheckpointStep,
    EntitySpan,
    LoopStep,
    OrStep,
    SlotStep,
    Story,
    TrainingData,
    UserStep,
)  # fmt: skip
from bot.training_data.markup import parse_markup
from bot.training_data.project import Project, ReadResult, read, read_test_stories

PROJECTS = Path(__file__).parents[1] / "projects"


def data_of(folder: Path, text: str) -> tuple[TrainingData, ReadResult]:
    (folder / "domain.yml").write_text("intents: [greet]\n")
    (folder / "data").mkdir()
    (folder / "data" / "a.yml").write_text(text)
    result = read(Project(folder))
    return result.data, result


@pytest.mark.parametrize(
    ("marked", "text", "spans"),
    [
        ("to [Rome](city)", "to Rome", [EntitySpan(3, 7, "city", "Rome")]),
        ("[NYC](city:New York) now", "NYC now", [EntitySpan(0, 3, "city", "New York")]),
        ("从[上海](city)到[北京](city:Beijing)", "从上海到北京",
         [EntitySpan(1, 3, "city", "上海"), EntitySpan(4, 6, "city", "Beijing")]),
        ('[a]{"entity": "city", "role": "from", "group": 1, "value": 5}', "a",
         [EntitySpan(0, 1, "city", "5", "from", "1")]),
        ('[x][{"entity": "a"}, {"entity": "b", "value": "y"}]', "x",
         [EntitySpan(0, 1, "a", "x"), EntitySpan(0, 1, "b", "y")]),
        ("a [b] (c) [d]", "a [b] (c) [d]", []),
        ("no mark-up", "no mark-up", []),
    ],
)  # fmt: skip
def test_markup(marked: str, text: str, spans: list[EntitySpan]) -> None:
    found = parse_markup(marked)
    assert (found.text, list(found.entities), found.faults) == (text, spans, ())


def test_examples_synonyms_regexes_and_lookups(tmp_path: Path) -> None:
    (tmp_path / "sizes.txt").write_text("small\n\n 大码 \n")
    data, result = data_of(
        tmp_path,
        """
nlu:
- intent: greet
  metadata: {author: me}
  examples: |
    - hi
    -   [red](color)   shoes
    - [hóng sè](color:red)
- intent: faq/ship
  examples:
  - text: |
      how long
    metadata: {mood: calm}
  - when
- synonym: red
  examples: |
    - crimson
- regex: order
  examples: |
    - W\\d{7}
- lookup: size
  examples: |
    - medium
    - sizes.txt
""",
    )
    assert not result.errors
    first, second, third, fourth, fifth = data.nlu.examples
    assert (first.text, first.intent, first.metadata) == ("hi", "greet", {"intent": {"author": "me"}})
    assert str(first.mark) == "data/a.yml:6:5"
    assert (second.text, second.entities) == ("red   shoes", (EntitySpan(0, 3, "color", "red"),))
    assert third.entities[0].value == "red"
    assert (fourth.text, fourth.intent, fourth.metadata) == ("how long", "faq/ship", {"example": {"mood": "calm"}})
    assert fifth.text == "when"
    assert data.nlu.synonyms == {"hóng sè": "red", "crimson": "red"}
    assert data.nlu.regexes == {"order": (r"W\d{7}",)}
    assert data.nlu.lookups == {"size": ("medium", "small", "大码")}
    assert "utter_faq" in data.domain.actions


def test_every_kind_of_step(tmp_path: Path) -> None:
    data, result = data_of(
        tmp_path,
        """
stories:
- story: all
  metadata: {a: 1}
  steps:
  - checkpoint: start
    slot_was_set: [{vip: true}]
  - intent: inform
    entities: [color, {city: Rome, role: to, group: g}, {count: 3}]
  - or:
    - intent: affirm
    - slot_was_set: [{size: M}]
  - slot_was_set: [size, {color: null}, {list: [a, b]}]
  - slot_was_set: {size: L}
  - active_loop: order_form
  - active_loop: null
  - user: "in [Rome](city)"
  - user: |
      hi there
    intent: greet
  - user: '/inform{"city": "Rome", "size": ["M", "L"]}'
  - bot: Good day
  - action: utter_bye
rules:
- rule: r
  condition: [{active_loop: order_form}, {slot_was_set: [{requested_slot: size}]}]
  conversation_start: true
  wait_for_user_input: false
  steps: [{intent: greet}, {action: utter_bye}]
""",
    )
    assert not result.errors
    story, rule = data.stories
    steps = [without_mark(step) for step in story.steps]
    assert steps == [
        CheckpointStep("start", (SlotStep("vip", True),)),
        UserStep("inform", entities=(
            {"entity": "color", "value": None}, {"entity": "city", "value": "Rome", "role": "to", "group": "g"},
            {"entity": "count", "value": 3})),
        OrStep((UserStep("affirm"), SlotStep("size", "M"))),
        SlotStep("size", has_value=False), SlotStep("color", None), SlotStep("list", ["a", "b"]), SlotStep("size", "L"),
        LoopStep("order_form"), LoopStep(None),
        UserStep(text="in Rome", entities=({"start": 3, "end": 7, "value": "Rome", "entity": "city"},)),
        UserStep("greet", "hi there"),
        UserStep("inform", '/inform{"city": "Rome", "size": ["M", "L"]}', tuple(
            {"entity": name, "value": value, "start": 0, "end": 43}
            for name, value in (("city", "Rome"), ("size", "M"), ("size", "L")))),
        ActionStep(text="Good day"), ActionStep("utter_bye"),
    ]  # fmt: skip
    assert story.metadata == {"a": 1}
    assert [without_mark(each) for each in rule.condition] == [
        LoopStep("order_form"),
        SlotStep("requested_slot", "size"),
    ]
    assert (rule.is_rule, rule.conversation_start, rule.wait_for_user_input) == (True, True, False)
    assert str(rule.mark) == "data/a.yml:25:3"
    assert data.domain.e2e_actions == ("Good day",)


def without_mark(step: object) -> object:
    """The same step without places, those inside it included."""
    values = {}
    for name in type(step).__dataclass_fields__:  # type: ignore[attr-defined]
        value = getattr(step, name)
        if isinstance(value, tuple):
            value = tuple(without_mark(each) if hasattr(each, "mark") else each for each in value)
        values[name] = None if name == "mark" else value
    return type(step)(**values)


def test_responses_of_training_files_answer_retrieval_intents() -> None:
    data = read(Project(PROJECTS / "responseselectorbot")).data
    assert data.responses
    assert all(data.domain.responses[name] == variations for name, variations in data.responses.items())


@pytest.mark.parametrize(
    ("name", "examples", "stories", "rules"),
    [("moodbot", 68, 3, 2), ("formbot", 289, 2, 6), ("rules", 289, 0, 13), ("e2ebot", 33, 4, 0)],
)
def test_rasas_projects_are_read_whole(name: str, examples: int, stories: int, rules: int) -> None:
    result = read(Project(PROJECTS / name))
    assert not result.problems
    assert len(result.data.nlu.examples) == examples
    assert [sum(each.is_rule is kind for each in result.data.stories) for kind in (False, True)] == [stories, rules]


def test_test_stories() -> None:
    stories, problems = read_test_stories(PROJECTS / "formbot" / "tests")
    assert not problems
    assert isinstance(stories[1], Story)
    asked = stories[1].steps[5]
    assert isinstance(asked, UserStep)
    assert (asked.text, asked.intent, asked.entities[0]["value"]) == ("afghan food", "inform", "afghan")
    (again, _) = read_test_stories(PROJECTS / "formbot" / "tests" / "test_stories.yml")
    assert [story.name for story in again] == [story.name for story in stories]
