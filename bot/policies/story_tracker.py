"""Stories and rules as the conversations they describe.

A story leaves out what goes without saying: that the bot listens before each message, that an entity fills the slots
mapped from it. Here it is written out, `or` branches are taken one by one, and stories that meet in a checkpoint are
joined.

Source: Rasa 3.x's story and rule format; which slots an entity fills follows recorded conversations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain import Domain
from bot.errors import Mark, Problem, ProjectError
from bot.events import ActionExecuted, Event, UserUttered, from_json
from bot.policies.story_step import Path, events_of
from bot.tracker import State, Tracker
from bot.training_data.data import (
    CheckpointStep,
    OrStep,
    Step,
    Story,
    TrainingData,
)

LISTEN = "action_listen"
SNIPPET = "..."
"""Stands in a rule for whatever was said before it or comes after it."""

MAX_PATHS = 20_000
"""More conversations than this are refused: `or` and checkpoints multiply, and would fill the memory."""


@dataclass(frozen=True, slots=True)
class Point:
    """One decision of a story: after `states`, `action` follows. `mark`: where that is written."""

    states: tuple[State, ...]
    action: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class StoryTracker:
    """One conversation that a story or rule describes. `places`: where each event is written; `free`: the numbers of
    events that can't be predicted, as nothing that the story tells comes before them."""

    story: Story
    domain: Domain
    events: tuple[Event, ...]
    places: tuple[Mark | None, ...]
    free: frozenset[int] = frozenset()

    @property
    def is_rule(self) -> bool:
        return self.story.is_rule

    def tracker(self) -> Tracker:
        return Tracker.from_events(self.story.name, self.domain, self.events)

    def decisions(self) -> Iterator[tuple[ActionExecuted, Mark | None, bool]]:
        """Each action, where it is written, and whether it can be predicted."""
        for number, event in enumerate(self.events):
            if isinstance(event, ActionExecuted):
                yield event, self.places[number] or self.story.mark, number not in self.free

    def points(self, *, filled_only: bool = False) -> Iterator[Point]:
        """The decisions to learn. `filled_only`: states without slots that merely hold their initial value."""
        by_event = {id(event): (mark, can) for event, mark, can in self.decisions()}
        tracker = self.tracker()
        folds = [fold for fold, _ in tracker.moments()]
        states = [fold.state_of_filled if filled_only else fold.state for fold in folds]
        actions = [event for event in tracker.applied_events() if isinstance(event, ActionExecuted)]
        for number, event in enumerate(actions):
            mark, can_predict = by_event[id(event)]
            if can_predict:
                yield Point(tuple(states[: number + 1]), event.name or event.action_text or "", mark)


def unroll(data: TrainingData) -> list[StoryTracker]:
    """All conversations that the rules and stories describe; rules first."""
    rules = [_finished(story, path, data.domain) for story in data.stories if story.is_rule
             for path in _rule_paths(story, data.domain)]  # fmt: skip
    return rules + list(_story_trackers([story for story in data.stories if not story.is_rule], data.domain))


@dataclass(frozen=True, slots=True)
class _Block:
    """A stretch of a story between checkpoints."""

    story: Story
    starts: tuple[CheckpointStep, ...]
    steps: tuple[Step, ...]
    ends: tuple[CheckpointStep, ...]


def _blocks(story: Story) -> Iterator[_Block]:
    starts: list[CheckpointStep] = []
    steps: list[Step] = []
    ends: list[CheckpointStep] = []
    for step in story.steps:
        if isinstance(step, CheckpointStep):
            (ends if steps else starts).append(step)
            continue
        if ends:
            yield _Block(story, tuple(starts), tuple(steps), tuple(ends))
            starts, steps, ends = ends, [], []
        steps.append(step)
    if steps or starts:
        yield _Block(story, tuple(starts), tuple(steps), tuple(ends))


def _story_trackers(stories: Sequence[Story], domain: Domain) -> Iterator[StoryTracker]:
    blocks = [block for story in stories for block in _blocks(story)]
    waiting: list[tuple[_Block, Path, tuple[int, ...]]] = [
        (block, (), ()) for block in reversed(blocks) if not block.starts
    ]
    made = 0
    while waiting:
        block, before, visited = waiting.pop()
        for path in _paths(block.steps, domain):
            made += 1
            _check_number(made, block.story.mark)
            whole = before + path
            following = list(_following(block, whole, blocks, visited, domain))
            if following:
                waiting.extend(following)
            else:
                yield _finished(block.story, whole, domain, listens=not block.ends)


def _following(
    block: _Block, path: Path, blocks: Sequence[_Block], visited: tuple[int, ...], domain: Domain
) -> Iterator[tuple[_Block, Path, tuple[int, ...]]]:
    """The blocks that go on where `block` ends; none twice in one conversation, so circles end."""
    names = {end.name for end in block.ends}
    for candidate in blocks:
        start = next((step for step in candidate.starts if step.name in names), None)
        if start is None or id(candidate) in visited or not _holds(start, path, domain):
            continue
        yield candidate, path, (*visited, id(candidate))


def _holds(start: CheckpointStep, path: Path, domain: Domain) -> bool:
    if not start.slots:
        return True
    tracker = Tracker.from_events("", domain, (event for event, _ in path))
    return all(tracker.slot(step.name) == step.value for step in start.slots)


def _rule_paths(story: Story, domain: Domain) -> Iterator[Path]:
    """A rule's events: unless it is for the start of a conversation, anything may have come before it."""
    snippet: Path = ((ActionExecuted(name=SNIPPET), story.mark),)
    head: Path = () if story.conversation_start else snippet
    condition = next(_paths(story.condition, domain, is_rule=True))
    for path in _paths(story.steps, domain, is_rule=True):
        yield head + condition + path + (() if story.wait_for_user_input else snippet)


def _paths(steps: Sequence[Step], domain: Domain, *, is_rule: bool = False) -> Iterator[Path]:
    paths: list[Path] = [()]
    for step in steps:
        choices = step.choices if isinstance(step, OrStep) else (step,)
        paths = [path + events_of(choice, domain, is_rule) for path in paths for choice in choices]
        _check_number(len(paths), step.mark)
    return iter(paths)


def _check_number(paths: int, mark: Mark | None) -> None:
    if paths > MAX_PATHS:
        text = f"More than {MAX_PATHS} conversations are described here: 'or' and checkpoints multiply."
        raise ProjectError([Problem(mark, text, "Write the turns that differ as stories of their own.")])


def _finished(story: Story, path: Path, domain: Domain, *, listens: bool = True) -> StoryTracker:
    """The path with the listening written out."""
    whole: list[tuple[Event, Mark | None]] = []
    for event, mark in path:
        if isinstance(event, UserUttered) and not _ends_listening(whole):
            whole.append((ActionExecuted(name=LISTEN), None))
        whole.append((_fresh(event), mark))
    if listens and not _ends_with(whole, LISTEN) and not (story.is_rule and _ends_with(whole, SNIPPET)):
        whole.append((ActionExecuted(name=LISTEN), None))
    events, places = tuple(event for event, _ in whole), tuple(mark for _, mark in whole)
    return StoryTracker(story, domain, events, places, _unpredictable(events))


def _fresh(event: Event) -> Event:
    """Own object for each place, for events are told apart by identity."""
    return from_json(event.to_json())


def _ends_with(path: Sequence[tuple[Event, Mark | None]], name: str) -> bool:
    return bool(path) and isinstance(path[-1][0], ActionExecuted) and path[-1][0].name == name


def _ends_listening(path: Sequence[tuple[Event, Mark | None]]) -> bool:
    return _ends_with(path, LISTEN)


def _unpredictable(events: Sequence[Event]) -> frozenset[int]:
    """Numbers of actions with nothing told before them: the first one of a story, and those after `...`."""
    free = set()
    told = False
    after_snippet = False
    for number, event in enumerate(events):
        told = told or isinstance(event, UserUttered)
        if not isinstance(event, ActionExecuted):
            continue
        starts_story = event.name != LISTEN and not told
        if event.name == SNIPPET or after_snippet or starts_story:
            free.add(number)
            told = True
        after_snippet = event.name == SNIPPET
    return frozenset(free)
