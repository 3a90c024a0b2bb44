"""Cross-checks of a project that has been read: every name must lead somewhere, before any training.

An `error` stops training; a `warning` is shown and does not. What a policy alone can see (rules that contradict each
other) is found by the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot.config import ComponentConfig
from bot.errors import Mark, Problem, nearest
from bot.training_data.example_check import check_examples
from bot.training_data.form_check import check_forms
from bot.training_data.project import Project, ReadResult, read
from bot.training_data.reference_check import check_references
from bot.training_data.response_check import check_responses
from bot.training_data.story_check import check_stories
from bot.yaml.report import Report

IsKnown = Callable[[str], bool]


def validate(
    result: ReadResult, *, components: Iterable[str] | None = None, policies: Iterable[str] | None = None
) -> list[Problem]:
    """Find what is wrong across files. `result` is left as it is.

    Args:
        result: what `read` gave.
        components: names that may stand in `pipeline`; None leaves the pipeline unchecked. A dotted path is always
            allowed: the registry will look for it.
        policies: the same for `policies`.

    Returns:
        New problems only, without those that `read` found.
    """
    report = Report()
    check_references(result, report)
    check_forms(result, report)
    check_responses(result, report)
    check_examples(result, report)
    check_stories(result, report)
    for kind, entries, known in (
        ("component", result.config.pipeline, components),
        ("policy", result.config.policies, policies),
    ):
        if known is not None:
            _check_names(kind, entries, tuple(known), report)
    return report.problems


def check(
    project: Project, *, components: Iterable[str] | None = None, policies: Iterable[str] | None = None
) -> ReadResult:
    """Read and validate; `problems` holds everything, in the order of files and lines."""
    result = read(project)
    result.problems.extend(validate(result, components=components, policies=policies))
    result.problems.sort(key=lambda problem: problem.mark or Mark(""))
    return result


def _check_names(kind: str, entries: Iterable[ComponentConfig], known: tuple[str, ...], report: Report) -> None:
    for entry in entries:
        if entry.name in known or "." in entry.name or ":" in entry.name:
            continue
        near = nearest(entry.name, known)
        advice = f"Did you mean '{near}'?" if near else f"Known: {', '.join(sorted(known))}."
        report.error(entry.mark, f"There is no {kind} named '{entry.name}'.", advice)
