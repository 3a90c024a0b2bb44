"""Finds rules that can't be followed: too long, incomplete, or against another rule or a story.

Every problem names both places, and the smallest change that settles it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain import Domain
from bot.errors import Mark, Problem
from bot.events import ActionExecuted, ActionExecutionRejected, ActiveLoop, SlotSet, UserUttered
from bot.policies.story_tracker import LISTEN, SNIPPET, StoryTracker
from bot.tracker import SHOULD_NOT_BE_SET, State, Tracker
from bot.tracker.slot import is_featurized


class Decision(Protocol):
    @property
    def action(self) -> str | None: ...
    @property
    def source(self) -> str: ...


class Decider(Protocol):
    """The policy under examination."""

    fallback_action: str
    has_fallback: bool

    def decide(self, tracker: Tracker) -> Decision: ...


@dataclass(frozen=True, slots=True)
class Findings:
    """`relied`: sources of the decisions in rules; `shown`: sources of those that a story shows too. Learned policies
    don't see turns that rest on a source which no story shows."""

    problems: tuple[Problem, ...]
    relied: frozenset[str]
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A rule (or built-in behaviour) that wants `action` in some situation."""

    name: str
    action: str
    mark: Mark | None
    is_rule: bool


def several_turns(rules: Sequence[StoryTracker]) -> Iterator[Problem]:
    """Rules with more than one message of the shopper."""
    seen = set()
    for rule in rules:
        turns = [mark for event, mark in zip(rule.events, rule.places, strict=True) if isinstance(event, UserUttered)]
        if len(turns) > 1 and rule.story.mark not in seen:
            seen.add(rule.story.mark)
            yield Problem(
                turns[1] or rule.story.mark,
                f"The rule '{rule.story.name}' ({rule.story.mark}) has {len(turns)} user turns; a rule may have one.",
                "Make it a story, split it into one rule for each turn, or set 'restrict_rules: false' for RulePolicy.",
            )


def incomplete(rules: Sequence[StoryTracker]) -> list[Problem]:
    """Actions that set a slot or loop in one rule, and nothing in another."""
    slots, loops = _effects(rules)
    problems: dict[str, Problem] = {}
    for rule in rules:
        marks = {id(event): mark for event, mark, _ in rule.decisions()}
        tracker = rule.tracker()
        actions = [event for event in tracker.applied_events() if isinstance(event, ActionExecuted)]
        states = [fold.state for fold, _ in tracker.moments()][1:]  # each after the action of the same number
        following = [event.name for event in actions[1:]] + [LISTEN]
        for event, state, next_name in zip(actions, states, following, strict=True):
            if SNIPPET in (event.name, next_name):
                continue
            for problem in _missing(rule, state, (event.name or "", marks[id(event)]), slots, loops):
                problems.setdefault(str(problem), problem)
    return list(problems.values())


_Effects = dict[str, dict[str, Mark | None]]


def _effects(rules: Sequence[StoryTracker]) -> tuple[_Effects, _Effects]:
    """For each action: slots that it sets and loops that it starts or ends, and where it says so."""
    slots: _Effects = defaultdict(dict)
    loops: _Effects = defaultdict(dict)
    for rule in rules:
        action: str | None = None
        for event, mark in zip(rule.events, rule.places, strict=True):
            if isinstance(event, ActionExecuted):
                action = event.name
            elif isinstance(event, UserUttered):
                action = None
            elif isinstance(event, SlotSet) and action:
                slot = rule.domain.slots.get(event.name)
                if slot is not None and is_featurized(slot):
                    slots[action].setdefault(event.name, mark)
            elif isinstance(event, ActiveLoop) and action:
                loops[action].setdefault(event.name or SHOULD_NOT_BE_SET, mark)
    return slots, loops


def _missing(
    rule: StoryTracker, state: State, place: tuple[str, Mark | None], slots: _Effects, loops: _Effects
) -> Iterator[Problem]:
    action, mark = place
    for slot, where in slots.get(action, {}).items():
        if slot not in state.slots:
            yield Problem(
                mark or rule.story.mark,
                f"'{action}' does not set the slot '{slot}' in the rule '{rule.story.name}', but does at {where}.",
                f"Add 'slot_was_set: - {slot}: ...' after it or, if it is the rule's last action, "
                "'wait_for_user_input: false'.",
            )
    expected = loops.get(action, {})
    if expected and state.loop not in expected:
        name, where = next(iter(expected.items()))
        shown = "null" if name == SHOULD_NOT_BE_SET else name
        yield Problem(
            mark or rule.story.mark,
            f"'{action}' neither starts nor ends a form in the rule '{rule.story.name}', but does at {where}.",
            f"Add 'active_loop: {shown}' after it or, if it is the rule's last action, 'wait_for_user_input: false'.",
        )


def contradictions(policy: Decider, trackers: Sequence[StoryTracker], domain: Domain) -> Findings:
    """Plays every rule and story and compares what the policy decides with what is written."""
    claims: dict[str, list[_Claim]] = defaultdict(list)
    for tracker in trackers:
        if tracker.is_rule:
            for gold, mark, verdict in _played(policy, tracker):
                built_in = not verdict.source.startswith("[")
                action = (verdict.action or gold) if built_in else gold
                name = verdict.source if built_in else tracker.story.name
                claims[verdict.source].append(_Claim(name, action, None if built_in else mark, not built_in))
    problems: dict[object, Problem] = {}
    used: set[str] = set()
    for tracker in trackers:
        for gold, mark, verdict in _played(policy, tracker):
            if verdict.action == gold:
                used.update([] if tracker.is_rule else [verdict.source])
                continue
            if verdict.action is None and not tracker.is_rule:
                continue
            if not tracker.is_rule and verdict.action == LISTEN and verdict.source.count('"prev_action"') > 1:
                continue  # the story goes on where a rule ends: the story's own business
            for claim in claims[verdict.source]:
                if claim.action != gold:
                    pair = frozenset({(mark, gold), (claim.mark, claim.action)})
                    problems.setdefault(pair, _problem(tracker, gold, mark, claim))
    return Findings(tuple(problems.values()), frozenset(claims), frozenset(used))


def _played(policy: Decider, story: StoryTracker) -> Iterator[tuple[str, Mark | None, Decision]]:
    """Each predictable action of the story, where it is written, and what the policy decides there."""
    tracker = Tracker(story.story.name, story.domain)
    places = {id(event): (mark, can) for event, mark, can in story.decisions()}
    kept = {id(event) for event in story.tracker().applied_events()}
    for event in story.events:
        if isinstance(event, ActionExecuted) and id(event) in kept:
            mark, can_predict = places[id(event)]
            gold = event.name or event.action_text or ""
            if can_predict:
                yield gold, mark, _decided(policy, tracker, gold)
        tracker.apply(event)


def _decided(policy: Decider, tracker: Tracker, gold: str) -> Decision:
    """The decision; inside a form, the one after the form refuses where the story leaves its happy path."""
    decision = policy.decide(tracker)
    loop = tracker.active_loop_name
    if loop is not None and decision.action == loop != gold:
        tracker.apply(ActionExecutionRejected(name=loop))
        decision = policy.decide(tracker)
    return decision


def _problem(story: StoryTracker, gold: str, mark: Mark | None, claim: _Claim) -> Problem:
    kind = "rule" if story.is_rule else "story"
    other = f"the rule '{claim.name}' ({claim.mark})" if claim.is_rule else f"the built-in rule for the {claim.name}"
    return Problem(
        mark or story.story.mark,
        f"The {kind} '{story.story.name}' has '{gold}' here, but after the same turns {other} has '{claim.action}'.",
        _advice(kind, gold, claim),
    )


def _advice(kind: str, gold: str, claim: _Claim) -> str:
    if claim.action == LISTEN and claim.is_rule:
        return f"Add 'wait_for_user_input: false' to '{claim.name}', or remove '{gold}' here."
    if gold == LISTEN:
        return f"Add '- action: {claim.action}' at the end here, or 'wait_for_user_input: false' if this is a rule."
    if kind == "story":
        return f"Write '- action: {claim.action}' here, or give the rule a 'condition' that this story does not meet."
    return "Give one of them a 'condition' (slot_was_set or active_loop) that the other does not meet, or delete one."
