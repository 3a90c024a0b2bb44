"""`shoptalk validate`: every problem, and nothing trained."""

from __future__ import annotations

import argparse

from bot.cli.console import project_of
from bot.cli.settings import credentials_from, endpoints_from
from bot.errors import Problem, ProjectError
from bot.trainer import check
from bot.training_data.project import Project


def main(args: argparse.Namespace) -> int:
    project = project_of(args)
    problems = [*check(project).problems, *_connections(project)]
    for problem in problems:
        print(problem)
    errors = sum(problem.severity == "error" for problem in problems)
    if not problems:
        print("The project is fine.")
    else:
        print(f"\n{errors} error(s), {len(problems) - errors} warning(s).")
    return 1 if errors or (problems and args.fail_on_warnings) else 0


def _connections(project: Project) -> list[Problem]:
    found: list[Problem] = []
    for read, file in ((endpoints_from, project.endpoints_file), (credentials_from, project.credentials_file)):
        try:
            found += read(file)[1]
        except ProjectError as error:
            found += error.problems
    return found
