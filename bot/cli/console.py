"""What the commands say on the terminal while they work."""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path

from bot.cli.place import Place
from bot.errors import ModelError, Problem
from bot.model.archive import newest
from bot.trainer import current, train_and_write
from bot.training_data.project import Project

WIDTH = 24


class ProgressBar:
    """One line that fills up; plain lines where the output is no terminal."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._last = ""

    def __call__(self, what: str, part: float) -> None:
        if sys.stderr.isatty():
            filled = round(WIDTH * part)
            bar = "#" * filled + "." * (WIDTH - filled)
            sys.stderr.write(f"\r[{bar}] {part:4.0%} {what:40.40}")
        elif what != self._last:
            sys.stderr.write(f"{part:4.0%} {what}\n")
        self._last = what
        sys.stderr.flush()

    def done(self, path: Path) -> None:
        seconds = time.perf_counter() - self._start
        text = f"trained {path} in {seconds:.1f} s"
        sys.stderr.write(f"\r{text:80}\n" if sys.stderr.isatty() else f"{text}\n")


def warn(problem: Problem) -> None:
    print(f"\r{problem}{'':{WIDTH}}" if sys.stderr.isatty() else problem, file=sys.stderr)


def project_of(args: argparse.Namespace) -> Project:
    """The project that the flags name."""
    return Project(args.project, config=args.config, domain=args.domain, data=args.data)


def trained(args: argparse.Namespace) -> Path:
    """The model to use: the one that `--model` names, or the newest, trained anew when the sources have changed.

    Raises:
        ModelError: `--model` leads to no archive.
        ProjectError: the project can't be trained.
    """
    if args.model:
        path = newest(args.model)
        if path is None:
            raise ModelError(f"there is no model at {args.model}; `shoptalk train` makes one")
        return path
    project, models = project_of(args), Place(args.project).models
    return current(project, models) or train_now(project, models)


def train_now(project: Project, models: Path, *, name: str | None = None) -> Path:
    """Train with progress shown."""
    gc.enable()
    bar = ProgressBar()
    path = train_and_write(project, models, name=name, progress=bar, warn=warn)
    bar.done(path)
    return path
