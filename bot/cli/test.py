"""`shoptalk test`: the project's test stories."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.cli.console import project_of, trained
from bot.errors import ProjectError, ShoptalkError
from bot.evaluation import StoryResult, Subject, evaluate
from bot.model.archive import read
from bot.training_data.data import Story
from bot.training_data.project import read_test_stories


def main(args: argparse.Namespace) -> int:
    stories = _stories(args)
    model = read(trained(args))
    subject = Subject(model.domain, model.pipeline, model.ensemble)
    results = evaluate(stories, subject, only=args.what)
    failed = [result for result in results if result.failures]
    for result in failed:
        print(_told(result))
    out: Path = args.out or args.project / "results"
    _write(failed, out / "failed_test_stories.txt")
    print(f"{len(results) - len(failed)} of {len(results)} stories passed ({sum(r.steps for r in results)} steps).")
    return 1 if failed else 0


def _stories(args: argparse.Namespace) -> list[Story]:
    files = [args.stories] if args.stories else list(project_of(args).test_files)
    if not files:
        raise ShoptalkError("there are no test stories: write some into tests/test_stories.yml, or name a file with -s")
    stories: list[Story] = []
    for file in files:
        found, problems = read_test_stories(file)
        stories += found
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise ProjectError(errors)
        for problem in problems:
            print(problem, file=sys.stderr)
    return stories


def _told(result: StoryResult) -> str:
    lines = [f"FAILED {result.story.name}"]
    for failure in result.failures:
        place = f"{failure.mark}: " if failure.mark else ""
        said = f' after "{failure.text.strip()}"' if failure.text else ""
        lines.append(f"  {place}{failure.kind}{said}: expected {failure.expected}, found {failure.found}")
    return "\n".join(lines)


def _write(failed: Sequence[StoryResult], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{_told(result)}\n" for result in failed), encoding="utf-8")
