"""Recorded conversations of Rasa 3.6.21, fed to our tracker and policies event by event."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.config import ComponentConfig
from bot.events import Event, from_json
from bot.policies.ensemble import Ensemble
from bot.policies.policy import Prediction
from bot.tracker import Tracker
from bot.training_data.data import TrainingData
from bot.training_data.project import Project, read

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden"
PROJECTS = ("moodbot", "rules", "formbot")
LEARNED = ("TEDPolicy", "UnexpecTEDIntentPolicy")
"""Recorded choices of these depend on trained weights."""

POLICIES = {"moodbot": (ComponentConfig("MemoizationPolicy"), ComponentConfig("RulePolicy"))}
"""What Rasa takes where config.yml names no policies; the others are read from config.yml."""

OF_POLICIES = ("user_featurization", "loop_interrupted")


@functools.cache
def project(name: str) -> tuple[TrainingData, Ensemble]:
    """The project's data, and its policies after training."""
    result = read(Project(TESTS / "projects" / name))
    result.raise_errors()
    ensemble = Ensemble(POLICIES.get(name, result.config.policies))
    ensemble.train(result.data)
    return result.data, ensemble


def conversations() -> list[dict[str, Any]]:
    return [json.loads(line) for name in PROJECTS for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


def decisions(
    turn: dict[str, Any], tracker: Tracker, ensemble: Ensemble
) -> Iterator[tuple[dict[str, Any], Prediction, list[Event]]]:
    """Each action of a recorded turn, what we predict in its place, and the recorded events of the choice itself.

    The tracker is brought to the turn's end.
    """
    held: list[Event] = []
    for recorded in turn["events"]:
        event = from_json(recorded)
        if recorded["event"] in OF_POLICIES:
            held.append(event)
            continue
        if recorded["event"] in ("action", "action_execution_rejected"):
            prediction = ensemble.predict(tracker, tracker.domain)
            if recorded["policy"] not in (None, "followup_action"):
                yield recorded, prediction, list(held)
        tracker.apply_all(held)
        tracker.apply(event)
        held = []
    tracker.apply_all(held)
