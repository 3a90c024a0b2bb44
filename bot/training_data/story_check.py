"""Stories: two of one name that differ, checkpoints that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from bot.errors import nearest
from bot.training_data.data import CheckpointStep, Story
from bot.training_data.project import ReadResult
from bot.yaml.report import Report


def check_stories(result: ReadResult, report: Report) -> None:
    """All checks that need nothing but stories."""
    _check_names(result.data.stories, report)
    if "data" not in result.broken:
        _check_checkpoints(result.data.stories, report)


def _check_names(stories: tuple[Story, ...], report: Report) -> None:
    first: dict[tuple[str, bool], Story] = {}
    for story in stories:
        twin = first.setdefault((story.name, story.is_rule), story)
        if twin is not story and _shape(twin) != _shape(story):
            word = "rule" if story.is_rule else "story"
            text = f"Another {word} is named '{story.name}' too and has other steps ({twin.mark})."
            report.warning(story.mark, text, "Give each its own name.")


def _shape(item: Any) -> Any:
    """What a story or step says, without where it stands."""
    if isinstance(item, tuple):
        return tuple(_shape(each) for each in item)
    if not hasattr(item, "mark"):
        return repr(item)
    return (type(item).__name__, *(_shape(getattr(item, each.name)) for each in fields(item) if each.name != "mark"))


def _check_checkpoints(stories: tuple[Story, ...], report: Report) -> None:
    """A checkpoint that starts a story must end another, or nothing ever reaches that story."""
    starts = list(_checkpoints(stories, at_start=True))
    ends = {step.name for step in _checkpoints(stories, at_start=False)}
    for step in starts:
        if step.name not in ends:
            near = nearest(step.name, ends)
            advice = f"Did you mean '{near}'?" if near else "End another story with it, or delete it."
            report.warning(step.mark, f"No story leads to the checkpoint '{step.name}'.", advice)


def _checkpoints(stories: tuple[Story, ...], *, at_start: bool) -> Iterator[CheckpointStep]:
    for story in stories:
        leading = True
        for step in story.steps:
            if not isinstance(step, CheckpointStep):
                leading = False
            elif leading == at_start:
                yield step
