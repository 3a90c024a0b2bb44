"""Test stories against a model: what the bot understands and does at each step, beside what the story says.

As with `rasa test`, the conversation goes on as the story says after a wrong prediction, so each step is judged by
itself, and custom actions are not run: what they would set stands in the story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain import Domain
from bot.errors import Mark
from bot.events import ActionExecuted, ActionExecutionRejected, UserUttered
from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.nlu.pipeline import Pipeline
from bot.policies.ensemble import Ensemble
from bot.policies.story_tracker import StoryTracker, unroll
from bot.tracker import Tracker
from bot.training_data.data import Story, TrainingData, UserStep


@dataclass(frozen=True, slots=True)
class Failure:
    """One step that went otherwise. `kind`: intent, entities or action; `text`: what the shopper had said last."""

    kind: str
    expected: str
    found: str
    text: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class StoryResult:
    """One story: `steps` is how many intents and actions were compared."""

    story: Story
    failures: tuple[Failure, ...]
    steps: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tested: the trained parts of a model."""

    domain: Domain
    pipeline: Pipeline
    ensemble: Ensemble


def evaluate(stories: Sequence[Story], model: Subject, *, only: str | None = None) -> list[StoryResult]:
    """Play every story.

    Args:
        stories: as `read_test_stories` gives them.
        model: what is tested.
        only: `nlu` compares intents and entities only, `core` actions only.
    """
    trackers = unroll(TrainingData(model.domain, stories=tuple(stories)))
    texts = sorted({step.text for story in stories for step in _user_steps(story) if step.text})
    parses = dict(zip(texts, model.pipeline.parse(texts), strict=True))
    return [_Play(tracker, model, parses).run(only) for tracker in trackers]


def _user_steps(story: Story) -> list[UserStep]:
    return [step for step in story.steps if isinstance(step, UserStep)]


class _Play:
    """One story being played."""

    def __init__(self, story: StoryTracker, model: Subject, parses: dict[str, ParseResult]) -> None:
        self.story, self.model, self.parses = story, model, parses
        self.steps_by_mark = {step.mark: step for step in _user_steps(story.story)}
        self.failures: list[Failure] = []
        self.text = ""
        self.count = 0

    def run(self, only: str | None) -> StoryResult:
        tracker = Tracker(self.story.story.name, self.model.domain)
        for number, event in enumerate(self.story.events):
            place = self.story.places[number]
            if isinstance(event, UserUttered):
                step = self.steps_by_mark.get(place)
                if step and step.text and only != "core":
                    self._check_parse(step, self.parses[step.text])
                self.text = (step.text or f"/{step.intent}") if step else ""
            elif isinstance(event, ActionExecuted) and number and number not in self.story.free:  # 0: no turn yet
                tracker.apply(self._check_action(tracker, event, place, count=only != "nlu"))
                continue
            tracker.apply(event)
        return StoryResult(self.story.story, tuple(self.failures), self.count)

    def _check_action(
        self, tracker: Tracker, gold: ActionExecuted, place: Mark | None, *, count: bool
    ) -> ActionExecuted:
        wanted = gold.name or gold.action_text or ""
        prediction = self.model.ensemble.predict(tracker, self.model.domain)
        if prediction.action == tracker.active_loop_name != wanted:
            # The form would be asked first; whether it had refused the message, only its actions could tell.
            tracker.apply(ActionExecutionRejected(name=prediction.action or ""))
            prediction = self.model.ensemble.predict(tracker, self.model.domain)
        tracker.apply_all(prediction.events)
        found = prediction.action or "action_default_fallback"
        if count:
            self.count += 1
            if found != wanted:
                self._fail("action", wanted, f"{found} ({prediction.policy})", place)
        hidden = prediction.hide_rule_turn and found == wanted
        return replace(gold, policy=prediction.policy, confidence=prediction.confidence, hide_rule_turn=hidden)

    def _check_parse(self, step: UserStep, parse: ParseResult) -> None:
        self.count += 1
        self.text = step.text or ""
        found = parse.intent.get("name")
        if step.intent and found != step.intent.partition("/")[0] and found != step.intent:
            confidence = parse.intent.get("confidence") or 0.0
            self._fail("intent", step.intent, f"{found} ({confidence:.2f})", step.mark)
        gold, got = self._entities(step.entities), self._entities(parse.entities)
        as_written = self._entities([_as_written(item, parse.text) for item in parse.entities])
        if gold not in (got, as_written):
            self._fail("entities", ", ".join(gold) or "none", ", ".join(got) or "none", step.mark)

    def _entities(self, entities: Sequence[Json]) -> list[str]:
        """Entities that can change what the bot does, as `name=value`, each once and sorted."""
        found = set()
        known = self.model.domain.entities
        for item in entities:
            name = item.get("entity", "")
            if name not in known or known[name].influence_conversation:
                extra = "".join(f".{item[key]}" for key in ("role", "group") if item.get(key))
                found.add(f"{name}{extra}={item.get('value')}")
        return sorted(found)

    def _fail(self, kind: str, expected: str, found: str, mark: Mark | None) -> None:
        self.failures.append(Failure(kind, expected, found, self.text, mark))


def _as_written(entity: Json, text: str) -> Json:
    """The entity with the shopper's own words: stories may write those, or what a synonym makes of them."""
    return {**entity, "value": text[entity["start"] : entity["end"]]} if "start" in entity else entity
