"""Built-in actions that the recorded conversations do not show."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain import Domain, Form, Intent, SessionConfig, Slot, Variation
from bot.errors import ActionUnknown
from bot.events import ActionExecuted, ActiveLoop, BotUttered, Event, SlotSet, UserUttered
from bot.execution.executor import Executor
from bot.execution.situation import Situation
from bot.messages import Json
from bot.tracker import Tracker

LISTEN = ActionExecuted(name="action_listen")


def user(intent: str, **parse_data: Any) -> UserUttered:
    return UserUttered(text=intent, parse_data={"intent": {"name": intent, "confidence": 0.4}, **parse_data})


async def types_of(domain: Domain, name: str, *events: Event) -> list[str]:
    found = await Executor(domain, None).run(name, Tracker.from_events("x", domain, events), Situation())
    return [event.type for event in found]


DOMAIN = Domain(
    intents={"greet": Intent("greet")},
    slots={"a": Slot("a", "any")},
    responses={"utter_ask_rephrase": (Variation("Rephrase?"),), "utter_faq/ship": (Variation("By ship."),)},
)


async def test_two_stage_fallback_through_all_its_stages() -> None:
    executor, tracker = Executor(DOMAIN, None), Tracker("x", DOMAIN)
    said: list[str | None] = []
    for intent in ("nlu_fallback", "out_of_scope", "nlu_fallback", "out_of_scope"):
        tracker.apply_all([LISTEN, user(intent)])
        events = await executor.run("action_two_stage_fallback", tracker, Situation())
        tracker.apply_all([ActionExecuted(name="action_two_stage_fallback"), *events])
        said += [event.text for event in events if isinstance(event, BotUttered)]
    assert said == ["Did you mean 'nlu_fallback'?", "Rephrase?", "Did you mean 'nlu_fallback'?"]
    assert events[0] == ActiveLoop(name=None)
    assert events[-1].type == "rewind"


async def test_affirmation_names_the_likeliest_real_intent() -> None:
    ranking = [{"name": "nlu_fallback"}, {"name": "greet"}]
    tracker = Tracker.from_events("x", DOMAIN, [LISTEN, user("nlu_fallback", intent_ranking=ranking)])
    (said,) = await Executor(DOMAIN, None).run("action_default_ask_affirmation", tracker, Situation())
    assert isinstance(said, BotUttered)
    assert said.text == "Did you mean 'greet'?"
    assert said.data["buttons"][0] == {"title": "Yes", "payload": "/greet"}


@pytest.mark.parametrize(
    ("asked", "rewinds"),
    [((), 0), (("action_default_ask_affirmation",), 2), (("action_default_ask_rephrase",), 3),
     (("action_default_ask_rephrase", "action_default_ask_affirmation"), 5)],
)  # fmt: skip
async def test_revert_fallback_events(asked: tuple[str, ...], rewinds: int) -> None:
    history: list[Event] = [LISTEN, user("nlu_fallback")]
    for name in asked:
        history += [ActionExecuted(name=name), LISTEN, user("greet")]
    found = await types_of(DOMAIN, "action_revert_fallback_events", *history)
    assert found.count("rewind") == rewinds
    assert found[-1:] == (["user"] if asked else [])


async def test_deactivate_loop_send_text_and_unlikely_intent() -> None:
    assert await types_of(DOMAIN, "action_deactivate_loop") == ["active_loop", "slot"]
    assert await types_of(DOMAIN, "action_unlikely_intent") == []
    tracker = Tracker("x", DOMAIN)
    (said,) = await Executor(DOMAIN, None).run("action_send_text", tracker, Situation(metadata={"message": "hi"}))
    assert isinstance(said, BotUttered)
    assert said.text == "hi"


async def test_session_start_leaves_slots_behind_where_the_domain_wants_that() -> None:
    domain = Domain(slots=DOMAIN.slots, session=SessionConfig(carry_over_slots=False))
    history = (LISTEN, SlotSet(name="a", value=1))
    assert await types_of(DOMAIN, "action_session_start", *history) == ["session_started", "slot", "action"]
    assert await types_of(domain, "action_session_start", *history) == ["session_started", "action"]


async def test_retrieval_response_chosen_by_a_selector() -> None:
    chosen: Json = {"response": {"utter_action": "utter_faq/ship"}}
    tracker = Tracker.from_events("x", DOMAIN, [LISTEN, user("faq", response_selector={"default": chosen})])
    (said,) = await Executor(DOMAIN, None).run("utter_faq", tracker, Situation())
    assert isinstance(said, BotUttered)
    assert (said.text, said.metadata["utter_action"]) == ("By ship.", "utter_faq/ship")


async def test_missing_response_says_nothing_and_an_end_to_end_text_says_itself() -> None:
    domain = Domain(e2e_actions=("Bye then!",))
    assert await types_of(domain, "utter_nothing") == []
    (said,) = await Executor(domain, None).run("Bye then!", Tracker("x", domain), Situation())
    assert isinstance(said, BotUttered)
    assert said.text == "Bye then!"


async def test_a_project_may_replace_built_in_actions_but_not_the_hand_off() -> None:
    domain = Domain(actions=("action_default_fallback", "action_handoff"))
    with pytest.raises(ActionUnknown, match="no `actions` package"):
        await types_of(domain, "action_default_fallback")
    assert await types_of(domain, "action_handoff") == ["bot"]


async def test_a_form_without_validator_and_questions_still_fills_and_ends() -> None:
    domain = Domain(slots={"a": Slot("a", "text"), "b": Slot("b", "text")}, forms={"f": Form("f", ("a", "b"))})
    tracker = Tracker.from_events("x", domain, [LISTEN, user("greet")])
    executor = Executor(domain, None)
    tracker.apply_all(await executor.run("f", tracker, Situation()))
    assert (tracker.active_loop_name, tracker.slot("requested_slot")) == ("f", "a")
    tracker.apply_all([ActionExecuted(name="f"), LISTEN, user("greet")])
    tracker.apply_all([SlotSet(name="a", value=1), SlotSet(name="b", value=2)])
    tracker.apply_all(await executor.run("f", tracker, Situation()))
    assert (tracker.active_loop, tracker.slot("requested_slot")) == (None, None)
