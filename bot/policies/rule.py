"""A learnt rule: the states that must come before, and what follows from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.policies.story_tracker import SNIPPET
from bot.tracker import SHOULD_NOT_BE_SET, State


def key_of(states: Sequence[State]) -> str | None:
    """The states since the last `...` as text; None when there are none.

    The text is Rasa's, to the letter: where several rules apply, the one with the longest text wins.
    """
    start = next((i + 1 for i in range(len(states) - 1, -1, -1) if states[i].action == SNIPPET), 0)
    if start == len(states):
        return None
    return f"[{', '.join(state.key for state in states[start:])}]"


def fits(asked: State, found: State) -> bool:
    """Whether all that `asked` names is so in `found`."""
    if any(found.user.get(name) != value for name, value in asked.user.items() if value):
        return False
    for name, value in asked.slots.items():
        if not _same(value, found.slots.get(name)):
            return False
    if asked.action and asked.action != found.action:
        return False
    if asked.action_text and asked.action_text != found.action_text:
        return False
    return not asked.loop or _same(asked.loop, found.loop)


def _same(asked: Any, found: Any) -> bool:
    if asked == SHOULD_NOT_BE_SET:
        return not found or found == SHOULD_NOT_BE_SET
    return bool(asked == found)


class Rule:
    """One rule. `key` is its text (see `key_of`), `outcome` what it leads to: an action, or a note on a loop."""

    def __init__(self, key: str, outcome: str) -> None:
        self.key = key
        self.outcome = outcome
        self.reversed = tuple(State.from_json(item) for item in reversed(json.loads(key)))

    @property
    def last(self) -> State:
        return self.reversed[0]

    def applies(self, states: Sequence[State]) -> bool:
        """Whether the rule holds after `states`, the latest of which is the present."""
        for asked, found in zip(self.reversed, reversed(states), strict=False):
            if not asked.previous and not found.previous:
                continue  # both are the start of a conversation
            if not asked.previous or not found.previous or not fits(asked, found):
                return False
        return True


class RuleTable:
    """Rules that can be looked up by the previous action, which every rule names."""

    def __init__(self, outcomes: Mapping[str, str]) -> None:
        self.outcomes = dict(outcomes)
        self._by_action: dict[str | None, list[Rule]] = {}
        for key, outcome in outcomes.items():
            rule = Rule(key, outcome)
            self._by_action.setdefault(rule.last.previous, []).append(rule)

    def applying(self, states: Sequence[State]) -> Iterable[Rule]:
        return [rule for rule in self._by_action.get(states[-1].previous, ()) if rule.applies(states)]

    def best(self, states: Sequence[State]) -> Rule | None:
        """The most specific rule that applies."""
        return max(self.applying(states), key=lambda rule: len(rule.key), default=None)


def outcomes_of(points: Iterable[tuple[Sequence[State], str]]) -> dict[str, str]:
    """Key -> action. Keys that lead to different actions are left out."""
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    for states, action in points:
        key = key_of(states)
        if key is None or key in ambiguous:
            continue
        if found.setdefault(key, action) != action:
            ambiguous.add(key)
            del found[key]
    return found
