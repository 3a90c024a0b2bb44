"""The contract of one dialogue policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from bot.domain import Domain
from bot.events import Event
from bot.messages import Json
from bot.tracker import Tracker
from bot.training_data.data import TrainingData


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one policy proposes (or, from the ensemble, what is done).

    Args:
        action: the best action's name; None when the policy abstains.
        confidence: 0..1 of that action.
        policy: the policy's name as events show it (`RulePolicy`).
        priority: Rasa's policy priority; ties on confidence go to the higher.
        events: events that the choice itself adds (loop interrupted, featurization).
        optional_events: events added only if this prediction wins.
        is_end_to_end: chosen from the text and not from the intent.
        is_no_user_prediction: chosen after an action and not straight after a message.
        hide_rule_turn: the turn came from a rule only, so learned policies do not see it.
        ranking: every action with its confidence, best first (for /predict); may be empty.
    """

    action: str | None
    confidence: float
    policy: str
    priority: int
    events: tuple[Event, ...] = ()
    optional_events: tuple[Event, ...] = ()
    is_end_to_end: bool = False
    is_no_user_prediction: bool = False
    hide_rule_turn: bool = False
    ranking: tuple[tuple[str, float], ...] = ()


class Policy(Protocol):
    """Constructed with its settings from config.yml (without `name`)."""

    def __init__(self, settings: Mapping[str, Any]) -> None: ...

    def train(self, data: TrainingData) -> None:
        """Learn from stories and rules.

        Raises:
            ProjectError: rules contradict each other or the stories.
        """

    def predict(self, tracker: Tracker, domain: Domain, earlier: Sequence[Prediction]) -> Prediction:
        """`earlier`: predictions of the policies before this one (rules are seen by the others)."""

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        """What was learnt: JSON, and named numpy arrays (for safetensors)."""

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        """The policy as it was after training."""
