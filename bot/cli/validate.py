"""`shoptalk validate`: every problem, and nothing trained."""

from __future__ import annotations

import argparse

from bot.cli.console import project_of
from bot.cli.settings import credentials_from, endpoints_from
from bot.errors import Problem, ProjectError
from bot.trainer import check
from bot.training_data.project import Project
from connectors.desk.opening import read_opening_hours


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
    """What is wrong or odd in endpoints.yml and credentials.yml."""
    found: list[Problem] = []
    try:
        endpoints, notices = endpoints_from(project.endpoints_file)
        found += notices
        read_opening_hours(endpoints.section("desk"))
    except ProjectError as error:
        found += error.problems
    try:
        found += credentials_from(project.credentials_file)[1]
    except ProjectError as error:
        found += error.problems
    return found
