"""Which policy is followed, how stories unroll, and what is kept of what was learnt."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest

from bot import events as ev
from bot.config import ComponentConfig
from bot.domain import Domain, Entity, Form, Intent, MappingCondition, Slot, SlotMapping
from bot.errors import ProjectError, RegistryError
from bot.events import ActionExecuted, Event, SlotSet, UserUttered
from bot.policies.ensemble import Ensemble, combine
from bot.policies.policy import Prediction
from bot.policies.story_tracker import unroll
from bot.tracker import Tracker
from bot.training_data.data import (
    ActionStep,
    CheckpointStep,
    LoopStep,
    OrStep,
    SlotStep,
    Step,
    Story,
    TrainingData,
    UserStep,
)

LISTEN = ActionExecuted(name="action_listen")
DOMAIN = Domain(
    intents={name: Intent(name) for name in ("greet", "ask", "bye", "yes")},
    entities={"city": Entity("city")},
    slots={
        "city": Slot("city", "text", mappings=(SlotMapping("from_entity", entity="city"),)),
        "held": Slot(
            "held",
            "text",
            mappings=(SlotMapping("from_entity", entity="city", conditions=(MappingCondition("form"),)),),
        ),
        "vip": Slot("vip", "bool"),
    },
    responses=dict.fromkeys(("utter_a", "utter_b", "utter_c", "utter_d"), ()),
    forms={"form": Form("form")},
)


def story(name: str, *steps: Step, rule: bool = False, **more: Any) -> Story:
    return Story(name, steps, is_rule=rule, **more)


def say(intent: str, **entities: str | None) -> UserStep:
    return UserStep(intent, entities=tuple({"entity": name, "value": value} for name, value in entities.items()))


def do(name: str) -> ActionStep:
    return ActionStep(name)


def trained(names: Sequence[str], *stories: Story, **settings: Any) -> Ensemble:
    ensemble = Ensemble([ComponentConfig(name, settings) for name in names])
    ensemble.train(TrainingData(DOMAIN, stories=stories))
    return ensemble


def talk(*events: Event | str) -> Tracker:
    """A conversation; a bare word is a message with this intent, `utter_x` and `action_x` are actions."""
    tracker = Tracker("me", DOMAIN)
    tracker.apply(LISTEN)
    for event in events:
        if not isinstance(event, str):
            tracker.apply(event)
        elif event.startswith(("utter_", "action_")):
            tracker.apply(ActionExecuted(name=event))
        else:
            tracker.apply(UserUttered(text=event, parse_data={"intent": {"name": event}, "entities": []}))
    return tracker


def next_action(ensemble: Ensemble, *events: Event | str) -> str | None:
    return ensemble.predict(talk(*events), DOMAIN).action


def test_default_policies_and_what_stands_in() -> None:
    assert [config.name for config in Ensemble().configs] == ["RulePolicy", "AugmentedMemoizationPolicy"]
    only_ted = Ensemble([ComponentConfig("TEDPolicy", {"epochs": 5}), ComponentConfig("RulePolicy")])
    assert [config.name for config in only_ted.configs] == ["RulePolicy", "AugmentedMemoizationPolicy"]
    assert [(notice.severity, "TEDPolicy" in notice.text) for notice in only_ted.notices] == [("warning", True)]
    full = Ensemble([ComponentConfig(name) for name in ("MemoizationPolicy", "UnexpecTEDIntentPolicy", "TEDPolicy")])
    assert [config.name for config in full.configs] == ["MemoizationPolicy", "AugmentedMemoizationPolicy"]
    with pytest.raises(RegistryError, match="RulePolicy"):
        Ensemble([ComponentConfig("RulePolice")])


def test_the_rule_wins_over_the_memory_and_both_over_the_fallback() -> None:
    tale = story("tale", say("greet"), do("utter_a"), say("ask"), do("utter_b"))
    ensemble = trained(["MemoizationPolicy", "RulePolicy"], tale, story("rule", say("greet"), do("utter_a"), rule=True))
    first = ensemble.predict(talk("greet"), DOMAIN)
    assert (first.action, first.policy, first.priority, first.hide_rule_turn) == ("utter_a", "RulePolicy", 6, False)
    second = ensemble.predict(talk("greet", "utter_a", LISTEN, "ask"), DOMAIN)
    assert (second.action, second.policy, second.confidence) == ("utter_b", "MemoizationPolicy", 1.0)
    nothing = ensemble.predict(talk("bye"), DOMAIN)
    assert (nothing.action, nothing.policy, nothing.confidence) == ("action_default_fallback", "RulePolicy", 0.3)


def test_fallback_settings() -> None:
    rule = story("rule", say("greet"), do("utter_a"), rule=True)
    other = trained(["RulePolicy"], rule, core_fallback_action_name="utter_c", core_fallback_threshold=0.4)
    assert (next_action(other, "bye"), other.predict(talk("bye"), DOMAIN).confidence) == ("utter_c", 0.4)
    none = trained(["RulePolicy"], rule, enable_fallback_prediction=False).predict(talk("bye"), DOMAIN)
    assert (none.action, none.confidence) == (None, 0.0)


def test_augmented_memory_forgets_the_beginning() -> None:
    tale = story("tale", say("greet"), do("utter_a"), say("ask"), do("utter_b"))
    strange = ("bye", "utter_d", LISTEN, SlotSet(name="city", value="Oslo"), "greet", "utter_a", LISTEN, "ask")
    assert next_action(trained(["MemoizationPolicy"], tale), *strange) is None
    assert (
        next_action(
            trained(["AugmentedMemoizationPolicy"], tale), "bye", "utter_d", LISTEN, "greet", "utter_a", LISTEN, "ask"
        )
        == "utter_b"
    )
    assert next_action(trained(["AugmentedMemoizationPolicy"], tale), *strange) is None, (
        "the slot was set inside the story"
    )
    later = ("bye", SlotSet(name="city", value="Oslo"), "utter_d", LISTEN, "greet", "utter_a", LISTEN, "ask")
    assert next_action(trained(["AugmentedMemoizationPolicy"], tale), *later) == "utter_b"


def test_max_history_looks_at_the_latest_states_only() -> None:
    tale = story("tale", say("greet"), do("utter_a"), say("ask"), do("utter_b"))
    strange = ("bye", "utter_d", LISTEN, "greet", "utter_a", LISTEN, "ask")
    assert next_action(trained(["MemoizationPolicy"], tale, max_history=3), *strange) == "utter_b"


def test_turns_of_rules_are_hidden_from_the_memory() -> None:
    tale = story("tale", say("greet"), do("utter_a"), say("ask"), do("utter_b"))
    ensemble = trained(["RulePolicy", "MemoizationPolicy"], tale, story("aside", say("bye"), do("utter_d"), rule=True))
    tracker = talk("greet", "utter_a", LISTEN, "bye")
    for wanted in ("utter_d", "action_listen"):
        aside = ensemble.predict(tracker, DOMAIN)
        assert (aside.action, aside.hide_rule_turn) == (wanted, True)
        tracker.apply_all([*aside.events, ActionExecuted(name=aside.action, hide_rule_turn=aside.hide_rule_turn)])
    tracker.apply(UserUttered(text="ask", parse_data={"intent": {"name": "ask"}}))
    assert ensemble.predict(tracker, DOMAIN).action == "utter_b"


def test_conditions_start_and_wait_for_user_input() -> None:
    rules = (
        story("vip", say("ask"), do("utter_a"), rule=True, condition=(SlotStep("vip", True),)),
        story(
            "other", say("ask"), do("utter_b"), rule=True, condition=(SlotStep("vip", None),), wait_for_user_input=False
        ),
        story("first", say("greet"), do("utter_c"), rule=True, conversation_start=True),
    )
    ensemble = trained(["RulePolicy"], *rules)
    assert next_action(ensemble, SlotSet(name="vip", value=True), "ask") == "utter_a"
    assert next_action(ensemble, SlotSet(name="vip", value=False), "ask") == "action_default_fallback"
    assert next_action(ensemble, "ask") == "utter_b"
    assert next_action(ensemble, "ask", "utter_b") == "action_default_fallback", "the rule leaves open what follows"
    assert next_action(ensemble, SlotSet(name="vip", value=True), "ask", "utter_a") == "action_listen"
    assert next_action(ensemble, "greet") == "utter_c"
    assert next_action(ensemble, "ask", "utter_b", LISTEN, "greet") == "action_default_fallback"


def test_a_form_refused_gives_way_and_is_told_of_its_return() -> None:
    start = story("start", say("ask"), do("form"), LoopStep("form"), rule=True)
    aside = story(
        "aside", say("bye"), do("utter_d"), do("form"), LoopStep("form"), rule=True, condition=(LoopStep("form"),)
    )
    ensemble = trained(["RulePolicy"], start, aside)
    running = (ActionExecuted(name="form"), ev.ActiveLoop(name="form"), LISTEN)
    assert next_action(ensemble, "ask", *running, "greet") == "form"
    refused = ("ask", *running, "bye", ev.ActionExecutionRejected(name="form"))
    assert next_action(ensemble, *refused) == "utter_d"
    assert next_action(ensemble, *refused, "utter_d") == "form"
    assert next_action(ensemble, *refused, "utter_d", ActionExecuted(name="form")) == "action_listen"


def test_a_general_rule_inside_a_form_leads_back_to_it() -> None:
    start = story("start", say("ask"), do("form"), LoopStep("form"), rule=True)
    ensemble = trained(["RulePolicy"], start, story("hello", say("greet"), do("utter_a"), rule=True))
    running = (ActionExecuted(name="form"), ev.ActiveLoop(name="form"), LISTEN)
    refused = ("ask", *running, "greet", ev.ActionExecutionRejected(name="form"))
    assert next_action(ensemble, *refused) == "utter_a"
    assert next_action(ensemble, *refused, "utter_a") == "form"


def prediction(action: str | None, confidence: float, **more: Any) -> Prediction:
    values: dict[str, Any] = {"policy": "P", "priority": 1, "ranking": ((action, confidence),) if action else ()} | more
    return Prediction(action, confidence, **values)


def test_combining() -> None:
    tracker = talk("greet")
    assert combine([prediction("utter_a", 0.5), prediction("utter_b", 0.6)], tracker).action == "utter_b"
    assert combine([prediction("utter_a", 0.6), prediction("utter_b", 0.6, priority=2)], tracker).action == "utter_b"
    assert combine([prediction("utter_a", 0.6), prediction("utter_b", 0.6)], tracker).action == "utter_a"
    by_text = prediction("utter_c", 0.4, is_end_to_end=True)
    assert combine([prediction("utter_a", 0.9), by_text], tracker).action == "utter_c"
    happy = prediction("form", 0.1, is_no_user_prediction=True)
    assert combine([prediction("utter_a", 0.9), happy], tracker).action == "form"
    nothing = combine([prediction(None, 0.0)], tracker)
    assert (nothing.action, nothing.confidence) == (None, 0.0)


def test_events_of_all_policies_are_kept_and_optional_ones_of_the_winner() -> None:
    mine, theirs = SlotSet(name="city", value="mine"), SlotSet(name="city", value="theirs")
    losing = prediction("utter_a", 0.1, events=(theirs,), optional_events=(theirs,))
    best = combine([losing, prediction("utter_b", 0.9, optional_events=(mine,))], talk("greet"))
    assert best.events == (theirs, mine, ev.DefinePrevUserUtteredFeaturization(use_text_for_featurization=False))
    assert combine([losing], talk("greet", "utter_b")).events == (theirs, theirs), "the message was featurized before"


def test_an_action_that_refused_is_not_chosen_again() -> None:
    refusal = ev.ActionExecutionRejected(name="form")
    ranked = prediction("form", 1.0, ranking=(("form", 1.0), ("action_default_fallback", 0.3)))
    after = combine([ranked], talk("greet", refusal))
    assert (after.action, after.confidence) == ("action_default_fallback", 0.3)
    assert combine([ranked], talk("greet", refusal, "utter_a", LISTEN, "greet")).action == "form"


def names(*stories: Story) -> list[list[str]]:
    """Each conversation that the stories describe, as intents, actions and slots."""
    found = []
    for conversation in unroll(TrainingData(DOMAIN, stories=stories)):
        events = []
        for event in conversation.events:
            if isinstance(event, UserUttered):
                events.append(str(event.intent or event.text))
            elif isinstance(event, ActionExecuted):
                events.append(str(event.name or event.action_text))
            elif isinstance(event, SlotSet):
                events.append(f"{event.name}={event.value}")
            elif isinstance(event, ev.ActiveLoop):
                events.append(f"loop={event.name}")
        found.append(events)
    return found


def test_what_goes_without_saying_is_written_out() -> None:
    assert names(story("s", say("greet", city="Oslo"), do("utter_a"), say("ask", city=None), do("utter_b"))) == [
        ["action_listen", "greet", "city=Oslo", "utter_a", "action_listen", "ask", "city=", "utter_b", "action_listen"]
    ]
    rule = story(
        "r", do("form"), LoopStep(None), do("utter_a"), rule=True, condition=(LoopStep("form"), SlotStep("vip", None))
    )
    assert names(rule) == [
        ["...", "loop=form", "vip=should_not_be_set", "form", "loop=should_not_be_set", "utter_a", "action_listen"]
    ]
    assert names(story("r", say("faq/shipping"), do("utter_a"), rule=True, wait_for_user_input=False)) == [
        ["...", "action_listen", "faq", "utter_a", "..."]
    ]
    assert names(story("s", SlotStep("city", has_value=False), SlotStep("vip", has_value=False), do("utter_a"))) == [
        ["city=filled", "vip=True", "utter_a", "action_listen"]
    ]


def test_or_branches_are_taken_one_by_one() -> None:
    branch = OrStep((say("yes"), say("greet")))
    assert len(names(story("s", branch, do("utter_a"), branch, do("utter_b")))) == 4
    slots = OrStep((SlotStep("city", "a"), SlotStep("city", "b")))
    assert [path[2] for path in names(story("s", say("greet"), slots, do("utter_a")))] == ["city=a", "city=b"]


def test_too_many_branches_are_refused() -> None:
    branch = OrStep(tuple(say(name) for name in ("greet", "ask", "bye", "yes")))
    with pytest.raises(ProjectError, match="conversations"):
        names(story("s", *(step for _ in range(9) for step in (branch, do("utter_a")))))


def test_stories_meet_in_checkpoints() -> None:
    begin = [
        story("one", say("greet"), do("utter_a"), CheckpointStep("meet")),
        story("two", say("greet"), SlotStep("city", "Oslo"), do("utter_b"), CheckpointStep("meet")),
    ]
    end = story("end", CheckpointStep("meet"), say("bye"), do("utter_c"))
    only = story("only", CheckpointStep("meet", slots=(SlotStep("city", "Oslo"),)), say("ask"), do("utter_d"))
    assert sorted(path[-2] for path in names(*begin, end)) == ["utter_c", "utter_c"]
    assert sorted(path[-2] for path in names(*begin, end, only)) == ["utter_c", "utter_c", "utter_d"]
    middle = story("middle", say("greet"), do("utter_a"), CheckpointStep("x"), say("bye"), do("utter_b"))
    assert names(middle) == [["action_listen", "greet", "utter_a", "action_listen", "bye", "utter_b", "action_listen"]]


def test_circles_of_checkpoints_end() -> None:
    begin = story("begin", say("greet"), do("utter_a"), CheckpointStep("round"))
    again = story("again", CheckpointStep("round"), say("ask"), do("utter_b"), CheckpointStep("round"))
    leave = story("leave", CheckpointStep("round"), say("bye"), do("utter_c"))
    paths = names(begin, again, leave)
    assert ["utter_a", "utter_c"] in [[name for name in path if name.startswith("utter_")] for path in paths]
    assert ["utter_a", "utter_b", "utter_c"] in [[name for name in path if name.startswith("utter_")] for path in paths]


def test_end_to_end_steps_are_matched_by_text() -> None:
    by_text = story("r", UserStep(text="what now?"), do("utter_a"), rule=True)
    ensemble = trained(["RulePolicy"], by_text, story("i", say("ask"), do("utter_b"), rule=True))
    tracker = talk(UserUttered(text="what now?", parse_data={"intent": {"name": "ask"}}))
    found = ensemble.predict(tracker, DOMAIN)
    assert (found.action, found.is_end_to_end) == ("utter_a", True)
    tracker.apply_all([*found.events, ActionExecuted(name="utter_a")])
    assert ensemble.predict(tracker, DOMAIN).action == "action_listen"
    assert next_action(ensemble, "ask") == "utter_b"


def test_state_is_json() -> None:
    rule = story("rule", say("greet"), do("utter_a"), rule=True)
    tale = story("tale", say("ask", city="Oslo"), do("utter_b"))
    ensemble = trained(["RulePolicy", "AugmentedMemoizationPolicy"], rule, tale)
    state, arrays = ensemble.to_state()
    again = Ensemble.from_state(ensemble.configs, json.loads(json.dumps(state)), arrays)
    assert again.to_state() == (state, arrays)
    assert next_action(again, "greet") == "utter_a"


def test_long_conversations_cost_little() -> None:
    """60 rules and stories, 200 events: CPU time, so that a busy machine does not matter; the bound is generous."""
    rules = [story(f"r{k}", say(f"i{k}"), do(f"utter_{k}"), rule=True) for k in range(30)]
    tales = [
        story(f"s{k}", *(step for j in range(4) for step in (say(f"i{30 + (k + j * 7) % 30}"), do(f"utter_{k}"))))
        for k in range(30)
    ]
    started = time.process_time()
    ensemble = trained(["RulePolicy", "AugmentedMemoizationPolicy"], *rules, *tales)
    assert time.process_time() - started < 2.0
    tracker = talk(*(part for k in range(50) for part in (f"i{30 + k % 30}", "utter_a", LISTEN)), "i3")
    while len(tracker.events) < 200:
        tracker.apply(ev.BotUttered(text="x"))
    started = time.process_time()
    for _ in range(100):
        assert ensemble.predict(tracker.copy(), DOMAIN).action == "utter_3"
    assert (time.process_time() - started) / 100 < 0.005
