"""The tracker's JSON against Rasa's recorded answers, and the meaning of each event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import events as ev
from bot.domain import Domain, Entity, Form, Intent, Slot
from bot.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered, from_json
from bot.tracker import Tracker
from tests.dialogue.replay import GOLDEN, project

RECORDINGS = sorted((GOLDEN / "tracker").glob("*.json"))
SELECTIONS = {"all": "ALL", "applied": "APPLIED", "none": "NONE", "after_restart": "AFTER_RESTART"}

DOMAIN = Domain(
    intents={"hi": Intent("hi"), "buy": Intent("buy", use_entities=("size",)), "no": Intent("no", use_entities=())},
    entities={"size": Entity("size", roles=("shoe",)), "mood": Entity("mood", influence_conversation=False)},
    slots={
        "city": Slot("city", "text"),
        "count": Slot("count", "float", initial_value=2, max_value=4.0),
        "tags": Slot("tags", "list"),
        "level": Slot("level", "categorical", values=("Low", "high")),
        "vip": Slot("vip", "bool"),
        "note": Slot("note", "text", influence_conversation=False),
        "blob": Slot("blob", "any"),
    },
    forms={"form": Form("form", ("city",))},
)


def said(intent: str, *entities: dict[str, object], text: str = "x") -> UserUttered:
    return UserUttered(
        text=text, parse_data={"intent": {"name": intent}, "entities": list(entities)}, input_channel="web"
    )


def did(name: str, *, hide: bool = False) -> ActionExecuted:
    return ActionExecuted(name=name, hide_rule_turn=hide)


def tracker_of(*events: Event) -> Tracker:
    tracker = Tracker("me", DOMAIN)
    tracker.apply_all(events)
    return tracker


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_json_is_rasas_key_for_key(path: Path) -> None:
    wanted = json.loads(path.read_text())["response"]["json"]
    kind = path.stem.split("get_tracker")[1].removeprefix("_events_")
    source = path if wanted["events"] is not None else path.with_name(path.name.replace("_none", "_after_restart"))
    if kind == "applied":
        source = path.with_name(path.name.replace("_applied", "_after_restart"))
    answer = json.loads(source.read_text())["response"]["json"]
    data, _ = project(path.stem.split(".")[0])
    tracker = Tracker.from_events(answer["sender_id"], data.domain, [from_json(e) for e in answer["events"]])
    got = json.loads(json.dumps(tracker.to_json(SELECTIONS.get(kind, "AFTER_RESTART"))))  # type: ignore[arg-type]
    assert list(got) == list(wanted)
    assert got == wanted
    assert [list(e) for e in got["events"] or ()] == [list(e) for e in wanted["events"] or ()]


def test_slots_as_policies_see_them() -> None:
    empty = tracker_of().now.state.slots
    assert empty == {"count": (1.0, 0.5)}
    assert tracker_of().now.state_of_filled.slots == {}
    shown = tracker_of(
        SlotSet(name="city", value="Oslo"), SlotSet(name="count", value="9"), SlotSet(name="tags", value="a"),
        SlotSet(name="level", value="HIGH"), SlotSet(name="vip", value="true"), SlotSet(name="note", value="n"),
        SlotSet(name="blob", value={"a": 1}), SlotSet(name="unknown", value=1),
    )  # fmt: skip
    assert shown.now.state.slots == {
        "city": (1.0,), "count": (1.0, 1.0), "tags": (1.0,), "level": (0.0, 1.0, 0.0), "vip": (1.0, 1.0),
    }  # fmt: skip
    assert (shown.slot("tags"), shown.slot("unknown"), shown.slot("blob")) == (["a"], None, {"a": 1})


@pytest.mark.parametrize(
    ("name", "value", "features"),
    [
        ("level", "medium", (0.0, 0.0, 1.0)),
        ("level", None, None),
        ("vip", False, (1.0, 0.0)),
        ("vip", "perhaps", None),
        ("vip", "1", (1.0, 1.0)),
        ("count", "many", None),
        ("count", -3, (1.0, 0.0)),
        ("tags", [], None),
        ("city", "", (1.0,)),
    ],
)
def test_one_slot_value_as_policies_see_it(name: str, value: object, features: object) -> None:
    assert tracker_of(SlotSet(name=name, value=value)).now.state.slots.get(name) == features


def test_entities_count_as_the_domain_says() -> None:
    size = {"entity": "size", "value": "9", "role": "shoe"}
    mood = {"entity": "mood", "value": "sad"}
    listen = did("action_listen")
    assert tracker_of(listen, said("hi", size, mood)).now.state.user == {
        "intent": "hi",
        "entities": ("size", "size#shoe"),
    }
    assert tracker_of(listen, said("buy", size, mood)).now.state.user == {
        "intent": "buy",
        "entities": ("size", "size#shoe"),
    }
    assert tracker_of(listen, said("no", size)).now.state.user == {"intent": "no"}
    assert tracker_of(listen, said("new", mood)).now.state.user == {"intent": "new", "entities": ("mood",)}


def test_restart_and_session_start_empty_everything() -> None:
    before = (did("action_listen"), said("hi"), SlotSet(name="city", value="Oslo"), ActiveLoop(name="form"))
    restarted = tracker_of(*before, ev.Restarted())
    assert restarted.applied_events() == []
    assert restarted.events_after_restart() == []
    assert (restarted.slot("city"), restarted.active_loop, restarted.latest_message) == (None, None, None)
    assert restarted.followup_action == "action_session_start"
    started = tracker_of(*before, ev.SessionStarted())
    assert (started.slot("city"), started.followup_action, started.applied_events()) == (None, "action_listen", [])
    assert len(started.events_after_restart()) == 5


def test_undo_takes_back_the_latest_action() -> None:
    tracker = tracker_of(
        did("action_listen"), said("hi"), did("utter_a"), SlotSet(name="city", value="Oslo"), ev.ActionReverted()
    )
    assert [e.type for e in tracker.applied_events()] == ["action", "user"]
    assert (tracker.latest_action_name, tracker.slot("city")) == ("action_listen", None)


def test_rewind_takes_back_the_latest_message_and_the_listening() -> None:
    head = (did("action_listen"), said("hi"), did("utter_a"))
    tracker = tracker_of(
        *head, did("action_listen"), said("buy"), SlotSet(name="city", value="Oslo"), ev.UserUtteranceReverted()
    )
    assert tracker.applied_events() == list(head)
    assert (tracker.latest_action_name, tracker.slot("city")) == ("utter_a", None)
    assert tracker.latest_message is head[1]
    assert tracker_of(ev.UserUtteranceReverted(), ev.ActionReverted()).applied_events() == []


def test_a_forms_happy_path_is_one_execution() -> None:
    begin = (
        did("action_listen"),
        said("buy"),
        did("form"),
        ActiveLoop(name="form"),
        SlotSet(name="requested_slot", value="city"),
    )
    turn = (did("action_listen"), said("hi"), SlotSet(name="city", value="Oslo"), did("form"))
    tracker = tracker_of(*begin, *turn)
    assert tracker.applied_events() == [*begin, turn[2]]
    assert tracker.latest_message is turn[1]
    tracker.settle()
    assert tracker.latest_message is begin[1]


@pytest.mark.parametrize("detour", [ev.ActionExecutionRejected(name="form"), did("utter_a")])
def test_a_form_after_a_detour_is_another_execution(detour: Event) -> None:
    events = (did("action_listen"), said("buy"), did("form"), ActiveLoop(name="form"), did("action_listen"), said("hi"),
              detour, did("form"))  # fmt: skip
    assert tracker_of(*events).applied_events() == list(events)


def test_a_loop_remembers_refusal_and_interruption() -> None:
    tracker = tracker_of(did("action_listen"), said("buy"), did("form"), ActiveLoop(name="form"))
    tracker.apply_all([did("action_listen"), said("hi"), ev.ActionExecutionRejected(name="form")])
    assert tracker.active_loop is not None
    assert tracker.active_loop.rejected
    tracker.apply(did("utter_a"))
    assert tracker.active_loop.rejected, "another action does not clear the refusal"
    tracker.apply(ev.LoopInterrupted(is_loop_interrupted=True))
    assert tracker.active_loop.is_interrupted
    tracker.apply(did("form"))
    assert not tracker.active_loop.rejected
    assert not tracker.active_loop.is_interrupted
    assert tracker.active_loop.trigger_message is not None
    assert tracker.active_loop.trigger_message["intent"] == {"name": "buy"}


def test_pause_followup_and_channel() -> None:
    tracker = tracker_of(did("action_listen"), said("hi"), ev.FollowupAction(name="utter_a"), ev.ConversationPaused())
    assert (tracker.paused, tracker.followup_action, tracker.latest_input_channel) == (True, "utter_a", "web")
    tracker.clear_followup()
    assert tracker.followup_action is None
    tracker.apply_all([ev.ConversationResumed(), ev.FollowupAction(name="utter_b"), did("utter_b")])
    assert (tracker.paused, tracker.followup_action) == (False, None)


def test_text_is_seen_only_where_a_policy_chose_by_text() -> None:
    base = (did("action_listen"), said("hi", text="hello"))
    assert tracker_of(*base).now.state.user == {"intent": "hi"}
    by_text = tracker_of(*base, ev.DefinePrevUserUtteredFeaturization(use_text_for_featurization=True))
    assert by_text.now.state.user == {"text": "hello"}
