"""Shoptalk beside Rasa 3.6.21 on the same project, in the same run, in turn: train, start, memory, latency, throughput.

    make bench                                        # Shoptalk alone where there is no Rasa
    .venv/bin/python -m benchmarks.run --rasa-python /path/to/python3.10/venv/bin/python --rounds 3

The project is `moodbot` (what `rasa init` writes; Apache-2.0), each engine with its own default pipeline and a
durable SQLite store. One round measures A, then B; the report gives medians over the rounds and the ratios of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.engine import Engine, copied, rasa, served, shoptalk, timed
from benchmarks.load import run as load

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "tests" / "projects" / "moodbot"
RASA_STORE = "tracker_store:\n  type: SQL\n  dialect: sqlite\n  db: tracker.db\n"
CLIENTS = (1, 8, 32)

Figures = dict[str, list[float]]

UNITS = {
    "train wall s": "less", "train cpu s": "less", "train peak MB": "less", "start to ready s": "less",
    "idle memory MB": "less", "memory after load MB": "less", "1 client median ms": "less", "1 client p99 ms": "less",
    "cpu ms a message": "less", "1 clients messages/s": "more", "8 clients messages/s": "more",
    "32 clients messages/s": "more",
}  # fmt: skip
"""Figure -> whether less or more is better."""


def measure(engine: Engine, folder: Path, figures: Figures, *, messages: int, start: int) -> int:
    """One round of one engine; adds to `figures`. Returns the first number not yet used in a text."""
    with served(engine, folder) as server:
        figures["start to ready s"].append(server.start_s)
        load(server.url, clients=1, messages=20, start=start)  # first messages warm both engines alike
        start += 20
        figures["idle memory MB"].append(server.rss_bytes() / 2**20)
        for clients in CLIENTS:
            count = messages if clients > 1 else messages // 2
            cpu = server.cpu_s()
            result = load(server.url, clients=clients, messages=count, start=start)
            start += count
            if result.errors:
                raise RuntimeError(f"{engine.name}: {result.errors} of {count} messages failed")
            figures[f"{clients} clients messages/s"].append(result.rate)
            if clients == 1:
                figures["1 client median ms"].append(result.median_s * 1000)
                figures["1 client p99 ms"].append(result.p99_s * 1000)
                figures["cpu ms a message"].append((server.cpu_s() - cpu) * 1000 / count)
        figures["memory after load MB"].append(server.rss_bytes() / 2**20)
    return start


def train(engine: Engine, folder: Path, figures: Figures) -> None:
    use = timed(engine.train, cwd=folder, env=engine.env)
    figures["train wall s"].append(use.wall_s)
    figures["train cpu s"].append(use.cpu_s)
    figures["train peak MB"].append(use.peak_bytes / 2**20)


def report(table: dict[str, Figures]) -> str:
    """A Markdown table: medians, and against the rival how many times better."""
    names = list(table)
    lines = ["| figure | " + " | ".join(names) + (" | better |" if len(names) > 1 else " |")]
    lines.append("|---" * (len(names) + 1 + (len(names) > 1)) + "|")
    for figure, better in UNITS.items():
        medians = [statistics.median(table[name][figure]) for name in names]
        cells = [f"{m:,.3g}" if m < 1000 else f"{m:,.0f}" for m in medians]
        if len(names) > 1:
            ours, theirs = medians
            ratio = theirs / ours if better == "less" else ours / theirs
            cells.append(f"{ratio:.1f}x")
        lines.append(f"| {figure} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rasa-python", type=Path, help="Python 3.10 with rasa==3.6.21 installed")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--messages", type=int, default=320, help="messages of one load (half for one client)")
    options.add_argument("--out", type=Path, help="write all figures as JSON")
    args = options.parse_args()
    engines = [shoptalk()] + ([rasa(args.rasa_python)] if args.rasa_python else [])
    table: dict[str, Figures] = {engine.name: defaultdict(list) for engine in engines}
    start = 1
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stores = {engine.name: "" if engine.name == "shoptalk" else RASA_STORE for engine in engines}
        places = {e.name: copied(PROJECT, Path(folder) / e.name.split()[0], endpoints=stores[e.name]) for e in engines}
        for engine in engines:
            train(engine, places[engine.name], table[engine.name])
        for number in range(args.rounds):
            for engine in engines:
                print(f"round {number + 1} of {args.rounds}: {engine.name}", file=sys.stderr, flush=True)
                start = measure(engine, places[engine.name], table[engine.name], messages=args.messages, start=start)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(report(table))
    if args.out:
        args.out.write_text(json.dumps(table, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
