"""Policies that remember stories: MemoizationPolicy, and AugmentedMemoizationPolicy, which may forget how one began.

Source: Rasa 3.x's documentation of both; checked against recorded conversations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from bot.domain import Domain
from bot.events import ActionExecuted
from bot.messages import Json
from bot.policies.policy import Prediction
from bot.policies.story_tracker import LISTEN, StoryTracker, unroll
from bot.tracker import SHOULD_NOT_BE_SET, State, Tracker
from bot.training_data.data import TrainingData

PRIORITY = 3


class MemoizationPolicy:
    """Predicts what a story says, where the conversation so far is the story's. Settings as in Rasa: `max_history`
    (None: the whole conversation), `use_nlu_confidence_as_score`, `priority`."""

    name: ClassVar[str] = "MemoizationPolicy"

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.priority = int(settings.get("priority", PRIORITY))
        history = settings.get("max_history")
        self.max_history = None if history is None else int(history)
        self._uses_nlu_confidence = bool(settings.get("use_nlu_confidence_as_score", False))
        self._remember({})
        self._rule_slots: frozenset[str] = frozenset()
        self._rule_loops: frozenset[str] = frozenset()

    def train(self, data: TrainingData) -> None:
        """Remember every decision of every story."""
        trackers = unroll(data)
        stories = [tracker for tracker in trackers if not tracker.is_rule]
        self._note_rule_only([tracker for tracker in trackers if tracker.is_rule], stories)
        ambiguous: set[str] = set()
        memory: dict[str, str] = {}
        for story in stories:
            for point in story.points():
                key = self._key(point.states)
                if key not in ambiguous and memory.setdefault(key, point.action) != point.action:
                    ambiguous.add(key)
                    del memory[key]
        self._remember(memory)

    def _note_rule_only(self, rules: Sequence[StoryTracker], stories: Sequence[StoryTracker]) -> None:
        rule_slots, rule_loops = _slots_and_loops(rules, filled_only=True)
        story_slots, story_loops = _slots_and_loops(stories, filled_only=False)
        self._rule_slots, self._rule_loops = rule_slots - story_slots, rule_loops - story_loops

    def _remember(self, memory: dict[str, str]) -> None:
        """Keep the memory, and what lets most conversations be ruled out without a look at all of it."""
        self._memory = memory
        self._longest = max((key.count("\n") for key in memory), default=-1) + 1
        self._lengths: dict[_Ending, set[int]] = {}  # of the stories with this last state
        for key in memory:
            last = State.from_json(json.loads(key.rpartition("\n")[2]))
            self._lengths.setdefault(_ending(last), set()).add(key.count("\n") + 1)

    def predict(self, tracker: Tracker, domain: Domain, earlier: Sequence[Prediction] = ()) -> Prediction:
        states = self._states(tracker)
        action = self._known(states)
        if action is None and states and (lengths := self._lengths.get(_ending(states[-1]))):
            action = self._recall(tracker, lengths)
        if action is None:
            return Prediction(None, 0.0, self.name, self.priority)
        score = 1.0
        if self._uses_nlu_confidence and tracker.latest_message is not None:
            score = float((tracker.latest_message.parse_data.get("intent") or {}).get("confidence") or 0.0)
        return Prediction(action, score, self.name, self.priority, ranking=((action, score),))

    def _known(self, states: Sequence[State]) -> str | None:
        if not states or (self.max_history is None and len(states) > self._longest):
            return None
        if _ending(states[-1]) not in self._lengths:
            return None
        return self._memory.get(self._key(states))

    def _recall(self, tracker: Tracker, lengths: set[int]) -> str | None:
        """A second try where the whole history is unknown. `lengths`: of the stories that end like it."""
        return None

    def _key(self, states: Sequence[State]) -> str:
        return "\n".join(state.key for state in (states if self.max_history is None else states[-self.max_history :]))

    def _states(self, tracker: Tracker) -> list[State]:
        return visible_states(tracker, self._rule_slots, self._rule_loops)

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        rule_only = {"rule_slots": sorted(self._rule_slots), "rule_loops": sorted(self._rule_loops)}
        return {"memory": self._memory} | rule_only, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        policy = cls(settings)
        policy._remember(dict(state["memory"]))
        policy._rule_slots, policy._rule_loops = frozenset(state["rule_slots"]), frozenset(state["rule_loops"])
        return policy


class AugmentedMemoizationPolicy(MemoizationPolicy):
    """Like MemoizationPolicy, but forgets the conversation's beginning, one action after the other, until the rest is
    known. Slots and forms from the forgotten part are forgotten too."""

    name: ClassVar[str] = "AugmentedMemoizationPolicy"

    def _recall(self, tracker: Tracker, lengths: set[int]) -> str | None:
        for later in self._futures(tracker, lengths):
            if (action := self._known(self._states(later))) is not None:
                return action
        return None

    def _futures(self, tracker: Tracker, lengths: set[int]) -> Iterator[Tracker]:
        """The conversation as if it had begun with an action somewhere in its midst; the longest first."""
        events = tracker.applied_events()
        starts: list[int] = []
        actions = shown = 0
        for number in range(len(events) - 1, -1, -1):
            event = events[number]
            if not isinstance(event, ActionExecuted):
                continue
            actions += 1
            shown += not event.hide_rule_turn
            if shown > 2 * self._longest:  # a hidden turn may hide one more action with it, and no more
                break
            if shown < actions or actions + 1 in lengths or self.max_history is not None:
                starts.append(number)
        for start in reversed(starts[: self.max_history]):
            yield Tracker.from_events(tracker.sender_id, tracker.domain, events[start:])


_Ending = tuple[str | None, str | None]


def _ending(state: State) -> _Ending:
    """What the last state of a story shows whatever was forgotten: the action, and the intent where that is new."""
    action = state.previous
    return action, state.user.get("intent") if action == LISTEN else None


def visible_states(tracker: Tracker, rule_slots: frozenset[str], rule_loops: frozenset[str]) -> list[State]:
    """What learned policies see: turns that only rules know are left out, and so are slots and loops of rules only."""
    states: list[State] = []
    previous: tuple[str | None, str | None] = (None, None)
    is_hidden = False
    for fold, hides in tracker.moments():
        if not is_hidden:
            previous = (fold.action, fold.action_text)
        in_happy_path = fold.loop is not None and fold.action == fold.loop.name
        if not fold.followup and not in_happy_path:
            is_hidden = hides
        if is_hidden:
            continue
        state = fold.state
        shown = {name: v for name, v in state.slots.items() if name not in rule_slots} if rule_slots else state.slots
        loop = None if state.loop in rule_loops else state.loop
        user = state.user
        if states and state.action != LISTEN and states[-1].user != user:
            user = states[-1].user  # the message that led here may be one that only rules saw
        if (
            (state.action, state.action_text) != previous
            or shown is not state.slots
            or loop != state.loop
            or user is not state.user
        ):
            state = State(user, shown, previous[0], loop, action_text=previous[1])
        states.append(state)
    return states


def _slots_and_loops(trackers: Iterable[StoryTracker], *, filled_only: bool) -> tuple[frozenset[str], frozenset[str]]:
    slots: set[str] = set()
    loops: set[str] = set()
    for tracker in trackers:
        for fold, _ in tracker.tracker().moments():
            state = fold.state_of_filled if filled_only else fold.state
            slots.update(state.slots)
            if state.loop and state.loop != SHOULD_NOT_BE_SET:
                loops.add(state.loop)
    return frozenset(slots), frozenset(loops)
