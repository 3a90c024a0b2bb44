"""RulePolicy: fixed answers to fixed situations, the running of forms, and the fallback.

In order: default intents (`restart`, `back`, `session_start`), the active form, rules, the fallback.

Source: Rasa 3.x's documentation of rules and forms; each case checked against recorded conversations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bot.domain import Domain
from bot.errors import ProjectError
from bot.events import LoopInterrupted
from bot.messages import Json
from bot.policies import rule_check
from bot.policies.policy import Prediction
from bot.policies.rule import Rule, RuleTable, key_of, outcomes_of
from bot.policies.story_tracker import LISTEN, SNIPPET, StoryTracker, unroll
from bot.tracker import SHOULD_NOT_BE_SET, State, Tracker
from bot.training_data.data import TrainingData

PRIORITY = 6
DEFAULT_INTENTS = {"restart": "action_restart", "back": "action_back", "session_start": "action_session_start"}

DEFAULT_SOURCE = "default intent "
LOOP_SOURCE = "active form "
LOOP_WAS_INTERRUPTED = "loop_was_interrupted"
DO_NOT_PREDICT_LOOP = "do_not_predict_loop_action"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What RulePolicy decides and why. `source`: key of the rule, of the situation, or one of the *_SOURCE texts."""

    action: str | None
    source: str
    is_loop: bool = False
    is_text: bool = False
    returns_to_loop: bool = False


class RulePolicy:
    """Predicts what rules lay down. Settings as in Rasa: `core_fallback_threshold` (0.3),
    `core_fallback_action_name`, `enable_fallback_prediction`, `restrict_rules`, `check_for_contradictions`,
    `use_nlu_confidence_as_score`, `priority`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.priority = int(settings.get("priority", PRIORITY))
        self.fallback_action = str(settings.get("core_fallback_action_name") or "action_default_fallback")
        self.fallback_threshold = float(settings.get("core_fallback_threshold", 0.3))
        self.has_fallback = bool(settings.get("enable_fallback_prediction", True))
        self._restricts = bool(settings.get("restrict_rules", True))
        self._checks = bool(settings.get("check_for_contradictions", True))
        self._uses_nlu_confidence = bool(settings.get("use_nlu_confidence_as_score", False))
        self._rules = RuleTable({})
        self._unhappy = RuleTable({})
        self._hidden: frozenset[str] = frozenset()
        self._reads_text = False

    # Learning

    def train(self, data: TrainingData) -> None:
        """Learn the rules, and from rules and stories the unhappy paths of forms.

        Raises:
            ProjectError: a rule has several user turns, is incomplete, or contradicts another one or a story.
        """
        trackers = unroll(data)
        rules = [tracker for tracker in trackers if tracker.is_rule]
        problems = list(rule_check.several_turns(rules)) if self._restricts else []
        if self._checks:
            problems += rule_check.incomplete(rules)
        if problems:
            raise ProjectError(problems)
        self._learn(rules, [tracker for tracker in trackers if not tracker.is_rule])
        if self._checks:
            found = rule_check.contradictions(self, trackers, data.domain)
            if found.problems:
                raise ProjectError(found.problems)
            built_in = (*(DEFAULT_SOURCE + name for name in DEFAULT_INTENTS), LOOP_SOURCE + LISTEN)
            loops = {LOOP_SOURCE + name for name in data.domain.forms}
            self._hidden = found.relied.union(built_in, loops) - found.shown

    def _learn(self, rules: Sequence[StoryTracker], stories: Sequence[StoryTracker]) -> None:
        rule_points = [point for rule in rules for point in rule.points(filled_only=True)]
        story_points = [point for story in stories for point in story.points()]
        outcomes = outcomes_of((point.states, point.action) for point in rule_points)
        self._rules = RuleTable({key: action for key, action in outcomes.items() if action != SNIPPET})
        self._reads_text = any("text" in rule.last.user for rule in map(Rule, outcomes, outcomes.values()))
        notes: dict[str, str] = {}
        for point in (*rule_points, *story_points):
            if note := _loop_note(point.states[-1], point.action):
                key = key_of(_detour(point.states))
                if key is not None:
                    notes[key] = note
        self._unhappy = RuleTable(notes)

    # Predicting

    def predict(self, tracker: Tracker, domain: Domain, earlier: Sequence[Prediction] = ()) -> Prediction:
        return self._prediction(self.decide(tracker), tracker)

    def decide(self, tracker: Tracker) -> Verdict:
        """The action that the rules lay down here, with its reason."""
        states = [fold.state for fold, _ in tracker.moments()]
        text = self._from_text(tracker, states)
        if (text is None or text.action is None) and (intent := _default_intent(tracker)):
            return Verdict(DEFAULT_INTENTS[intent], DEFAULT_SOURCE + intent)
        happy = _happy_path(tracker)
        if happy is not None:
            return happy
        if text is not None and text.action is not None:
            return text
        found = self._from_rules(tracker, states)
        if text is not None and text.returns_to_loop:
            return Verdict(found.action, found.source, found.is_loop, False, True)
        return found

    def _from_text(self, tracker: Tracker, states: Sequence[State]) -> Verdict | None:
        """By the message's words, where rules have `user:` steps and the message is the latest event."""
        message = tracker.latest_message
        if not self._reads_text or tracker.latest_action_name != LISTEN or message is None or not message.text:
            return None
        last = states[-1]
        spoken = State({"text": message.text}, last.slots, last.action, last.loop, action_text=last.action_text)
        found = self._from_rules(tracker, [*states[:-1], spoken])
        return Verdict(found.action, found.source, False, True, found.returns_to_loop)

    def _from_rules(self, tracker: Tracker, states: Sequence[State]) -> Verdict:
        rule = self._rules.best(states)
        action = rule.outcome if rule else None
        source = rule.key if rule else key_of(states) or ""
        loop = tracker.active_loop_name
        if loop is None:
            return Verdict(action, source)
        notes = {note.outcome for note in self._unhappy.applying(states)}
        if rule is not None and action == LISTEN and not rule.last.loop:
            # a general rule has been carried out inside the form: back to the form, unless a story says otherwise
            if DO_NOT_PREDICT_LOOP not in notes:
                return Verdict(loop, LOOP_SOURCE + loop)
            action = None
        return Verdict(action, source, returns_to_loop=LOOP_WAS_INTERRUPTED in notes)

    def _prediction(self, verdict: Verdict, tracker: Tracker) -> Prediction:
        scores: dict[str, float] = {}
        if self.has_fallback:
            scores[self.fallback_action] = self.fallback_threshold
        if verdict.action is not None:
            scores[verdict.action] = self._score(tracker)
        ranking = tuple(sorted(scores.items(), key=lambda item: -item[1]))
        action, confidence = ranking[0] if ranking else (None, 0.0)
        return Prediction(
            action,
            confidence,
            "RulePolicy",
            self.priority,
            events=(LoopInterrupted(is_loop_interrupted=True),) if verdict.returns_to_loop else (),
            is_end_to_end=verdict.is_text,
            is_no_user_prediction=verdict.is_loop,
            hide_rule_turn=verdict.source in self._hidden,
            ranking=ranking,
        )

    def _score(self, tracker: Tracker) -> float:
        if not self._uses_nlu_confidence or tracker.latest_message is None:
            return 1.0
        return float((tracker.latest_message.parse_data.get("intent") or {}).get("confidence") or 0.0)

    # Keeping

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        state = {"rules": self._rules.outcomes, "unhappy": self._unhappy.outcomes, "hidden": sorted(self._hidden)}
        return state | {"reads_text": self._reads_text}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        policy = cls(settings)
        policy._rules, policy._unhappy = RuleTable(state["rules"]), RuleTable(state["unhappy"])
        policy._hidden, policy._reads_text = frozenset(state["hidden"]), bool(state["reads_text"])
        return policy


def _default_intent(tracker: Tracker) -> str | None:
    message = tracker.latest_message
    if tracker.latest_action_name != LISTEN or message is None:
        return None
    return message.intent if message.intent in DEFAULT_INTENTS else None


def _happy_path(tracker: Tracker) -> Verdict | None:
    """A form that has not refused runs after each message, and then the bot listens."""
    loop = tracker.active_loop
    if loop is None or loop.rejected or loop.name == SHOULD_NOT_BE_SET:
        return None
    if tracker.latest_action_name == loop.name:
        return Verdict(LISTEN, LOOP_SOURCE + LISTEN, is_loop=True)
    return Verdict(loop.name, LOOP_SOURCE + loop.name, is_loop=True) if tracker.latest_action_name else None


def _loop_note(state: State, action: str) -> str | None:
    """What a decision inside a form tells about leaving its happy path."""
    if not state.loop:
        return None
    if state.action == LISTEN:
        return LOOP_WAS_INTERRUPTED if action == state.loop else None
    return DO_NOT_PREDICT_LOOP if action != state.loop else None


def _detour(states: Sequence[State]) -> list[State]:
    """The present, and of the moment before only its action: the last thing that mattered before the listening."""
    if len(states) == 1 or not states[-2].previous:
        return [states[-1]]
    return [State(action=states[-2].action, action_text=states[-2].action_text), states[-1]]
