"""Laws of the fold, over invented conversations."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot import events as ev
from bot.domain import Domain, Form, Intent, Slot
from bot.events import EVENTS, Event, from_json
from bot.tracker import Tracker

DOMAIN = Domain(
    intents={"a": Intent("a"), "b": Intent("b")},
    slots={
        "city": Slot("city", "text"),
        "count": Slot("count", "float"),
        "tags": Slot("tags", "list", initial_value=["x"]),
    },
    forms={"form": Form("form", ("city",)), "other": Form("other", ("count",))},
)

NAMES = st.sampled_from(["a", "b"])
ACTIONS = st.sampled_from(["action_listen", "utter_a", "utter_b", "form", "other"])
SLOTS = st.sampled_from(["city", "count", "tags", "requested_slot", "unknown"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.lists(st.text(max_size=2), max_size=2)
)
ENTITIES = st.lists(st.fixed_dictionaries({"entity": NAMES, "value": VALUES}), max_size=2)
STAMPS = st.none() | st.floats(0, 2e9)


def _parse_data() -> st.SearchStrategy[dict[str, Any]]:
    intent = st.fixed_dictionaries({"name": NAMES | st.none(), "confidence": st.floats(0, 1)})
    return st.fixed_dictionaries({"intent": intent, "entities": ENTITIES})


OWN: dict[type[Event], st.SearchStrategy[Event]] = {
    ev.UserUttered: st.builds(ev.UserUttered, text=st.text(max_size=5), parse_data=_parse_data(), input_channel=NAMES),
    ev.ActionExecuted: st.builds(
        ev.ActionExecuted,
        name=ACTIONS,
        policy=NAMES | st.none(),
        confidence=st.none() | st.floats(0, 1),
        hide_rule_turn=st.booleans(),
    ),
    ev.SlotSet: st.builds(ev.SlotSet, name=SLOTS, value=VALUES, timestamp=STAMPS),
    ev.ActiveLoop: st.builds(ev.ActiveLoop, name=st.sampled_from(["form", "other", None])),
    ev.LoopInterrupted: st.builds(ev.LoopInterrupted, is_loop_interrupted=st.booleans()),
    ev.ActionExecutionRejected: st.builds(ev.ActionExecutionRejected, name=ACTIONS),
    ev.FollowupAction: st.builds(ev.FollowupAction, name=ACTIONS),
    ev.DefinePrevUserUtteredFeaturization: st.builds(
        ev.DefinePrevUserUtteredFeaturization, use_text_for_featurization=st.booleans()
    ),
    ev.EntitiesAdded: st.builds(ev.EntitiesAdded, entities=ENTITIES),
    ev.BotUttered: st.builds(ev.BotUttered, text=st.text(max_size=5), data=st.just({"buttons": [{"title": "t"}]})),
    ev.AgentUttered: st.builds(ev.AgentUttered, text=st.text(max_size=5), data=st.just({})),
    ev.ReminderScheduled: st.builds(
        ev.ReminderScheduled, intent=NAMES, date_time=st.just("2026-01-01T00:00:00"), name=NAMES
    ),
    ev.ReminderCancelled: st.builds(ev.ReminderCancelled, intent=NAMES | st.none(), entities=ENTITIES),
    ev.StoryExported: st.builds(ev.StoryExported, path=st.none() | st.text(max_size=3)),
}
EVENT = st.one_of(*(OWN.get(kind, st.builds(kind, timestamp=STAMPS)) for kind in EVENTS.values()))
# what conversations are made of comes more often than what rewrites them
CONVERSATION = st.lists(
    st.one_of(OWN[ev.UserUttered], OWN[ev.ActionExecuted], OWN[ev.ActiveLoop], EVENT, OWN[ev.SlotSet]), max_size=40
)


def folded(events: list[Event]) -> Tracker:
    tracker = Tracker("me", DOMAIN)
    tracker.apply_all(events)
    return tracker


def all_of(tracker: Tracker) -> dict[str, Any]:
    """Everything that can be told of a tracker."""
    return tracker.to_json("ALL") | {
        "applied": [event.to_json() for event in tracker.applied_events()],
        "states": [(fold.state.key, hides) for fold, hides in tracker.moments()],
        "now": tracker.now.state.key,
    }


@given(EVENT)
def test_every_event_survives_its_json(event: Event) -> None:
    again = from_json(json.loads(json.dumps(event.to_json())))
    assert again == event
    assert list(again.to_json()) == list(event.to_json())
    assert {f.name for f in fields(event)} == {f.name for f in fields(again)}


@given(CONVERSATION)
def test_folding_events_or_their_json_is_the_same(events: list[Event]) -> None:
    again = [from_json(json.loads(json.dumps(event.to_json()))) for event in events]
    assert all_of(folded(again)) == all_of(folded(events))


@given(CONVERSATION, CONVERSATION)
def test_a_copy_lives_its_own_life(before: list[Event], after: list[Event]) -> None:
    tracker = folded(before)
    known = all_of(tracker)
    copy = tracker.copy()
    copy.apply_all(after)
    assert all_of(tracker) == known
    assert all_of(copy) == all_of(folded([*before, *after]))


@given(CONVERSATION)
def test_one_by_one_is_all_at_once(events: list[Event]) -> None:
    tracker = Tracker("me", DOMAIN)
    for number, event in enumerate(events):
        tracker.apply(event)
        if number % 7 == 0:
            tracker = tracker.copy()
    assert all_of(tracker) == all_of(folded(events))


@given(CONVERSATION)
def test_a_restart_forgets(events: list[Event]) -> None:
    fresh = folded([ev.Restarted()])
    restarted = folded([*events, ev.Restarted()])
    assert restarted.now == fresh.now.but(world=restarted.now.world)
    assert restarted.applied_events() == []
    assert restarted.events_after_restart() == []
    assert [fold.state for fold, _ in restarted.moments()] == [fold.state for fold, _ in fresh.moments()]


@given(CONVERSATION, OWN[ev.UserUttered], st.lists(OWN[ev.SlotSet] | OWN[ev.EntitiesAdded], max_size=4))
def test_rewind_undoes_a_turn(events: list[Event], message: Event, rest: list[Event]) -> None:
    before = folded(events)
    before.settle()
    tracker = folded([*events, ev.ActionExecuted(name="action_listen"), message, *rest, ev.UserUtteranceReverted()])
    assert tracker.applied_events() == before.applied_events()
    assert tracker.now == before.now


@given(CONVERSATION, st.lists(OWN[ev.SlotSet] | OWN[ev.BotUttered], max_size=4))
def test_undo_undoes_an_action(events: list[Event], rest: list[Event]) -> None:
    before = folded(events)
    before.settle()
    tracker = folded([*events, ev.ActionExecuted(name="utter_a"), *rest, ev.ActionReverted()])
    assert tracker.applied_events() == before.applied_events()
    assert tracker.now == before.now


@given(CONVERSATION)
def test_what_policies_see_is_the_fold_of_the_applied_events(events: list[Event]) -> None:
    """The folds kept beside the events are those that applying them afresh would give."""
    tracker = folded(events)
    fold = Tracker("me", DOMAIN).now
    seen = []
    for event in tracker.applied_events():
        if isinstance(event, ev.ActionExecuted):
            seen.append(fold.state)
        fold = fold.after(event)
    assert [f.state for f, _ in tracker.moments()] == [*seen, fold.state]
