"""Every prediction of 144 recorded conversations, against Rasa 3.6.21."""

from __future__ import annotations

from typing import Any

import pytest

from bot.events import ActionExecutionRejected
from bot.policies.ensemble import Ensemble
from bot.tracker import Tracker
from tests.dialogue.replay import LEARNED, PROJECTS, conversations, decisions, project

CONVERSATIONS = conversations()


@pytest.mark.parametrize("recorded", CONVERSATIONS, ids=lambda c: c["id"])
def test_predictions_equal_rasas(recorded: dict[str, Any]) -> None:
    data, ensemble = project(recorded["project"])
    tracker = Tracker(recorded["id"], data.domain)
    for number, turn in enumerate(recorded["turns"]):
        for action, got, events in decisions(turn, tracker, ensemble):
            place = f"{recorded['id']} turn {number} {turn['user']} {action['name']}"
            if action["policy"] in LEARNED:
                assert got.confidence <= 0.3, f"{place}: only a learned policy knew this turn, but we say {got}"
                continue
            assert (got.policy, got.action, got.confidence) == (
                action["policy"],
                action["name"],
                action["confidence"],
            ), place
            if action["event"] == "action":
                assert got.hide_rule_turn == action["hide_rule_turn"], place
                assert [event.to_json() | {"timestamp": 0} for event in got.events] == [
                    event.to_json() | {"timestamp": 0} for event in events
                ], place


@pytest.mark.parametrize("recorded", CONVERSATIONS, ids=lambda c: c["id"])
def test_trackers_equal_rasas(recorded: dict[str, Any]) -> None:
    data, ensemble = project(recorded["project"])
    tracker = Tracker(recorded["id"], data.domain)
    for number, turn in enumerate(recorded["turns"]):
        list(decisions(turn, tracker, ensemble))
        place = f"{recorded['id']} turn {number}"
        stored = Tracker.from_events(tracker.sender_id, data.domain, tracker.events)
        assert {name: value for name, value in stored.slots.items() if value is not None} == turn["slots"], place
        loop = stored.to_json("NONE")["active_loop"]
        if loop:
            del loop["trigger_message"]["message_id"]  # left out of the recording
        assert loop == turn["active_loop"], place
        assert (stored.latest_action_name, stored.paused) == (turn["latest_action_name"], turn["paused"]), place
        assert (stored.latest_message.intent if stored.latest_message else None) == turn["latest_intent"], place


def test_the_recordings_hold_what_they_should() -> None:
    """The comparisons above compare something: over a thousand choices of rules and memory, forms that refused too."""
    policies = [p["policy"] for c in CONVERSATIONS for turn in c["turns"] for p in turn["predictions"]]
    assert policies.count("RulePolicy") > 1000
    assert policies.count("MemoizationPolicy") + policies.count("AugmentedMemoizationPolicy") > 140
    kinds = [e["event"] for c in CONVERSATIONS for turn in c["turns"] for e in turn["events"]]
    assert kinds.count(ActionExecutionRejected.type) > 100
    assert {c["project"] for c in CONVERSATIONS} == set(PROJECTS)


@pytest.mark.parametrize("name", PROJECTS)
def test_policies_are_the_same_after_keeping_them(name: str) -> None:
    data, ensemble = project(name)
    state, arrays = ensemble.to_state()
    again = Ensemble.from_state(ensemble.configs, state, arrays)
    assert again.to_state() == (state, arrays)
    for recorded in [c for c in CONVERSATIONS if c["project"] == name][:12]:
        tracker, other = Tracker("a", data.domain), Tracker("a", data.domain)
        for turn in recorded["turns"]:
            pairs = zip(decisions(turn, tracker, ensemble), decisions(turn, other, again), strict=True)
            assert all(ours[1] == theirs[1] for ours, theirs in pairs)
