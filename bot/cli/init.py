"""`shoptalk init`: a small project to start from."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from bot.errors import ShoptalkError

STARTER = Path(__file__).parent / "starter"


def main(args: argparse.Namespace) -> int:
    """Copy the starter into the project's folder; nothing that is there is overwritten."""
    target: Path = args.project
    files = [path for path in sorted(STARTER.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    taken = [str(path.relative_to(STARTER)) for path in files if (target / path.relative_to(STARTER)).exists()]
    if taken:
        raise ShoptalkError(
            f"{target.resolve()} already has {', '.join(taken)}. "
            "Choose an empty folder: shoptalk init --project my_shop"
        )
    for path in files:
        place = target / path.relative_to(STARTER)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    print(f"Wrote {len(files)} files to {target.resolve()}. Next: shoptalk run --project {target}")
    return 0
