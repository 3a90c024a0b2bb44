"""`shoptalk train`."""

from __future__ import annotations

import argparse

from bot.cli.console import project_of, train_now
from bot.cli.place import Place
from bot.trainer import current


def main(args: argparse.Namespace) -> int:
    project = project_of(args)
    models = args.out or Place(args.project).models
    path = None if args.force or args.fixed_model_name else current(project, models)
    if path:
        print(f"Nothing has changed since {path} was trained.")
    else:
        path = train_now(project, models, name=args.fixed_model_name)
        print(f"Your model: {path}")
    return 0
