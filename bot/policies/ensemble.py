"""All policies of a project, and which of them is followed.

Source: Rasa 3.x's documentation of policy priority; checked against recorded conversations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, cast

from bot.config import ComponentConfig
from bot.domain import Domain
from bot.errors import Problem
from bot.events import ActionExecuted, ActionExecutionRejected, DefinePrevUserUtteredFeaturization, Event
from bot.messages import Json
from bot.policies.policy import Policy, Prediction
from bot.registry import find
from bot.tracker import Tracker
from bot.training_data.data import TrainingData

POLICIES = {
    "AugmentedMemoizationPolicy": "bot.policies.memoization_policy:AugmentedMemoizationPolicy",
    "MemoizationPolicy": "bot.policies.memoization_policy:MemoizationPolicy",
    "RulePolicy": "bot.policies.rule_policy:RulePolicy",
}

STANDING_IN = {"TEDPolicy": "AugmentedMemoizationPolicy", "UnexpecTEDIntentPolicy": None}
"""Policies of Rasa that there are none of here, and what takes their place where it is not there already."""

DEFAULT = (ComponentConfig("RulePolicy"), ComponentConfig("AugmentedMemoizationPolicy"))
LISTEN = "action_listen"


def chosen(configured: Sequence[ComponentConfig]) -> tuple[tuple[ComponentConfig, ...], tuple[Problem, ...]]:
    """The policies to run for a config.yml, and a notice for each that is left out or replaced."""
    if not configured:
        return DEFAULT, ()
    kept = [config for config in configured if _short(config.name) not in STANDING_IN]
    notices = []
    for config in configured:
        if _short(config.name) not in STANDING_IN:
            continue
        substitute = STANDING_IN[_short(config.name)]
        if substitute and substitute not in {_short(other.name) for other in kept}:
            kept.append(ComponentConfig(substitute, mark=config.mark))
        text = f"{config.name} is not learnt here; stories are followed by exact match."
        notices.append(Problem(config.mark, text, "Cover the turns that matter by rules or stories.", "warning"))
    return tuple(kept) or DEFAULT, tuple(notices)


def _short(name: str) -> str:
    return name.rpartition(".")[2] if name.startswith("rasa.") else name


class Ensemble:
    """Policies in the order of config.yml.

    Args:
        configured: the `policies` of config.yml; empty for the default choice.

    Raises:
        RegistryError: a policy's name leads to nothing.
    """

    def __init__(self, configured: Sequence[ComponentConfig] = ()) -> None:
        self.configs, self.notices = chosen(configured)
        self.policies = [_policy_class(config)(config.settings) for config in self.configs]

    def train(self, data: TrainingData) -> None:
        """Train each policy.

        Raises:
            ProjectError: rules and stories can't be followed together.
        """
        for policy in self.policies:
            policy.train(data)

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """The action to take, with the events of all policies; `action` is None when every policy abstains."""
        predictions: list[Prediction] = []
        for policy in self.policies:
            predictions.append(policy.predict(tracker, domain, predictions))
        return combine(predictions, tracker)

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        """What all policies learnt; array names carry the policy's number."""
        states, arrays = [], {}
        for number, policy in enumerate(self.policies):
            state, own = policy.to_state()
            states.append(state)
            arrays.update({f"policy{number}.{name}": array for name, array in own.items()})
        return {"policies": states}, arrays

    @classmethod
    def from_state(cls, configured: Sequence[ComponentConfig], state: Json, arrays: Mapping[str, Any]) -> Self:
        ensemble = cls.__new__(cls)
        ensemble.configs, ensemble.notices = chosen(configured)
        ensemble.policies = []
        for number, config in enumerate(ensemble.configs):
            head = f"policy{number}."
            own = {name.removeprefix(head): array for name, array in arrays.items() if name.startswith(head)}
            policy = _policy_class(config).from_state(config.settings, state["policies"][number], own)
            ensemble.policies.append(policy)
        return ensemble


def _policy_class(config: ComponentConfig) -> type[Policy]:
    return cast("type[Policy]", find("policy", config.name, POLICIES))


def combine(predictions: Sequence[Prediction], tracker: Tracker) -> Prediction:
    """The winning prediction: forms on their happy path before all others, end-to-end before intents, then the highest
    confidence, then the highest priority, then the first."""
    rejected = _rejected(tracker)
    candidates = [_without(item, rejected) for item in predictions] if rejected else list(predictions)
    events: list[Event] = [event for item in candidates for event in item.events]
    no_user = any(item.is_no_user_prediction for item in candidates)
    end_to_end = any(item.is_end_to_end for item in candidates)
    kept = [
        item for item in candidates if item.is_no_user_prediction == no_user and item.is_end_to_end == end_to_end
    ] or candidates
    best = max(kept, key=lambda item: (item.confidence, item.priority))
    events += best.optional_events
    if tracker.latest_action_name == LISTEN and tracker.latest_message is not None:
        events.append(DefinePrevUserUtteredFeaturization(use_text_for_featurization=best.is_end_to_end))
    return replace(best, events=tuple(events), optional_events=())


def _rejected(tracker: Tracker) -> str | None:
    """The action that refused to run just now: it is not chosen again."""
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecutionRejected):
            return event.name
        if isinstance(event, ActionExecuted):
            return None
    return None


def _without(prediction: Prediction, action: str) -> Prediction:
    ranking = tuple(item for item in prediction.ranking if item[0] != action)
    if prediction.action != action:
        return replace(prediction, ranking=ranking)
    name, confidence = ranking[0] if ranking else (None, 0.0)
    return replace(prediction, action=name, confidence=confidence, ranking=ranking)
