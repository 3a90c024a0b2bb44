"""Domain files: the typed view, and the plain one as Rasa gives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.domain import Domain, Entity, Form, Intent, MappingCondition, ResponseCondition, SessionConfig, SlotMapping
from bot.training_data.project import Project, ReadResult, read

HERE = Path(__file__).parent
PROJECTS = HERE.parent / "projects"


def domain_of(folder: Path, *texts: str) -> tuple[Domain, ReadResult]:
    (folder / "domain").mkdir()
    for number, text in enumerate(texts):
        (folder / "domain" / f"{number}.yml").write_text(text)
    result = read(Project(folder))
    return result.data.domain, result


@pytest.mark.parametrize("name", ["moodbot", "formbot"])
def test_plain_domain_equals_what_rasa_answers(name: str) -> None:
    recorded = json.loads((HERE / "recorded" / f"{name}.get_domain.json").read_text())
    assert read(Project(PROJECTS / name)).data.domain.raw == recorded["response"]["json"]


def test_intents_and_entities(tmp_path: Path) -> None:
    domain, result = domain_of(
        tmp_path,
        """
intents: [no, {greet: {use_entities: [name]}}, {ask: {use_entities: null}}, {thank: {use_entities: true}},
          {bye: {ignore_entities: [name]}}, {why: {use_entities: false}}]
entities:
- name
- city: {roles: [from, to], groups: ["1"], influence_conversation: false}
""",
    )
    assert not result.errors
    assert domain.intents == {
        "no": Intent("no"), "greet": Intent("greet", ("name",)), "ask": Intent("ask", ()), "thank": Intent("thank"),
        "bye": Intent("bye", True, ("name",)), "why": Intent("why", ()),
    }  # fmt: skip
    assert domain.entities == {"name": Entity("name"), "city": Entity("city", ("from", "to"), ("1",), False)}


def test_slots_of_all_kinds(tmp_path: Path) -> None:
    domain, result = domain_of(
        tmp_path,
        """
intents: [yes_please, inform]
entities: [size]
forms: {order_form: {required_slots: [size], ignored_intents: inform}}
slots:
  size:
    type: categorical
    values: [S, M, 42]
    initial_value: M
    mappings:
    - {type: from_entity, entity: size, role: wanted, group: "1", intent: inform, not_intent: [yes_please]}
    - type: from_intent
      intent: yes_please
      value: true
      conditions: [{active_loop: order_form, requested_slot: size}, {active_loop: null}]
  weight: {type: float, min_value: 1, max_value: 9.5, influence_conversation: false, mappings: [{type: from_text}]}
  thing: {type: any, mappings: [{type: custom, action: action_thing}]}
  own: {type: my.module.OwnSlot, limit: 5, mappings: [{type: custom}]}
actions: [action_thing]
""",
    )
    assert not result.problems or all(each.mark and each.mark.file != "domain/0.yml" for each in result.problems)
    size = domain.slots["size"]
    assert size.values == ("s", "m", "42")
    assert size.initial_value == "M"
    assert size.mappings == (
        SlotMapping("from_entity", "size", "wanted", "1", ("inform",), ("yes_please",)),
        SlotMapping(
            "from_intent",
            intents=("yes_please",),
            value=True,
            conditions=(MappingCondition("order_form", "size"), MappingCondition(None)),
        ),
    )
    weight, thing, own = domain.slots["weight"], domain.slots["thing"], domain.slots["own"]
    assert (weight.min_value, weight.max_value, weight.influence_conversation) == (1, 9.5, False)
    assert (thing.influence_conversation, thing.mappings[0].action) == (False, "action_thing")
    assert (own.type, own.custom_type) == ("any", "my.module.OwnSlot")
    assert domain.forms == {"order_form": Form("order_form", ("size",), ("inform",))}


def test_responses_with_every_key(tmp_path: Path) -> None:
    domain, result = domain_of(
        tmp_path,
        """
slots: {language: {type: text, mappings: [{type: custom}]}}
responses:
  utter_offer:
  - text: 查订单
    id: offer_zh
    condition: [{type: slot, name: language, value: zh}]
    channel: web
    image: https://example.com/a.png
    buttons: [{title: 是, payload: /affirm}, {title: no, payload: '/deny{"a": "b"}', type: postback}]
    custom: {card: {kind: order, lines: [[Total, 5]]}}
    attachment: {type: template}
    elements: [{title: x}]
    quick_replies: [{title: y, payload: /y}]
    metadata: {a: 1}
  - text: 42
""",
    )
    assert not result.errors
    first, second = domain.responses["utter_offer"]
    assert first.conditions == (ResponseCondition("language", "zh"),)
    assert (first.text, first.id, first.channel) == ("查订单", "offer_zh", "web")
    assert first.buttons[1] == {"title": "no", "payload": '/deny{"a": "b"}', "type": "postback"}
    assert first.custom == {"card": {"kind": "order", "lines": [["Total", 5]]}}
    assert first.elements == ({"title": "x"},)
    assert first.quick_replies == ({"title": "y", "payload": "/y"},)
    assert second.text == "42"


def test_actions_and_session(tmp_path: Path) -> None:
    domain, _ = domain_of(
        tmp_path,
        """
actions: [action_a, {action_b: {send_domain: true}}, {action_c: {send_domain: false}}]
e2e_actions: ["Have a nice day"]
session_config: {session_expiration_time: 0, carry_over_slots_to_new_session: false}
""",
    )
    assert domain.actions == ("action_a", "action_b", "action_c")
    assert domain.send_domain_actions == {"action_b"}
    assert domain.e2e_actions == ("Have a nice day",)
    assert domain.session == SessionConfig(0, False)
    assert domain.raw["actions"] == [
        "action_a",
        {"action_b": {"send_domain": True}},
        {"action_c": {"send_domain": False}},
    ]


def test_files_are_merged_and_equal_twins_are_fine(tmp_path: Path) -> None:
    domain, result = domain_of(
        tmp_path,
        "intents: [greet]\nresponses: {utter_a: [{text: a}]}\nsession_config: {session_expiration_time: 5}\n",
        "intents: [bye, greet]\nresponses: {utter_a: [{text: a}], utter_b: [{text: b}]}\n",
        "responses: {utter_b: [{text: other}]}\nsession_config: {session_expiration_time: 6}\n",
    )
    assert list(domain.intents) == ["greet", "bye"]
    assert domain.raw["intents"] == ["bye", "greet"]
    assert domain.responses["utter_b"][0].text == "b"
    assert domain.session.expiration_min == 5
    warned = [str(problem.mark) for problem in result.problems if problem.mark and "domain/" in problem.mark.file]
    assert warned == ["domain/2.yml:1:13", "domain/2.yml:2:17"]


def test_forms_of_rasa_2_are_understood(tmp_path: Path) -> None:
    domain, result = domain_of(tmp_path, "forms: {f: {required_slots: {size: [{type: from_text}]}}}\n")
    assert domain.forms["f"].required_slots == ("size",)
    assert "Rasa 2" in result.problems[1].text


def test_retrieval_intents_get_their_action() -> None:
    domain = read(Project(PROJECTS / "responseselectorbot")).data.domain
    assert {"utter_chitchat", "utter_faq"} & set(domain.actions)
    assert any("/" in name for name in domain.responses)
