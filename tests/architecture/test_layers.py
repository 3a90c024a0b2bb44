"""The layer table of docs/design.md, held against every import; sizes of modules and functions."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BOT = {
    "bot": 0, "bot.errors": 0, "bot.messages": 0, "bot.events": 0, "bot.domain": 0,
    "bot.yaml": 0, "bot.config": 0,
    "bot.tracker": 1, "bot.turn": 1, "bot.registry": 1, "bot.training_data": 1, "bot.encoder": 1,
    "bot.nlu": 2, "bot.policies": 2, "bot.execution": 2, "bot.generation": 2, "bot.ledger": 2, "bot.shop": 2,
    "bot.model": 3, "bot.evaluation": 3,
    "bot.agent": 4, "bot.trainer": 4, "bot.action_server": 4,
    "bot.cli": 5,
}  # fmt: skip

CONNECTORS = {
    "connectors": 0, "connectors.ingest": 0, "connectors.channel": 1, "connectors.http": 1,
    "connectors.worker": 2, "connectors.delivery": 2, "connectors.receipts": 2,
    "connectors.rest": 3, "connectors.web": 3, "connectors.desk": 3, "connectors.api": 3,
    "connectors.mailbox": 3, "connectors.storefront": 3,
    "connectors.server": 4,
}  # fmt: skip

ALLOWED_OF_BOT = {
    "bot.errors",
    "bot.messages",
    "bot.events",
    "bot.turn",
    "bot.config",
    "bot.registry",
    "bot.ledger",
    "bot.agent",
}
"""What connectors may import of the engine."""

SOURCES = sorted(p for folder in ("bot", "connectors", "actions") for p in (ROOT / folder).rglob("*.py"))


def room_of(module: str, table: dict[str, int]) -> str | None:
    parts = module.split(".")
    for size in range(min(2, len(parts)), 0, -1):
        name = ".".join(parts[:size])
        if name in table:
            return name
    return None


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the full name"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return [(line, name) for line, name in found if name.split(".")[0] in ("bot", "connectors", "actions")]


def wrong_edge(source: str, target: str) -> str | None:
    """Why this import is not allowed, or None."""
    top, target_top = source.split(".", maxsplit=1)[0], target.split(".", maxsplit=1)[0]
    if top == "bot" and target_top in ("connectors", "actions"):
        return (
            None if source.startswith("bot.cli") and target_top == "connectors" else f"bot must not import {target_top}"
        )
    if top == "connectors" and target_top == "bot":
        room = room_of(target, BOT)
        return None if room in ALLOWED_OF_BOT else f"connectors must not import {room}"
    if target_top == "actions" and top != "actions":
        return "actions are loaded by name, never imported"
    if top == "actions":
        return None
    table = BOT if top == "bot" else CONNECTORS
    here, there = room_of(source, table), room_of(target, table)
    if here is None or there is None:
        return f"{source if here is None else target} has no room in the layer table"
    at_the_ground = here != "bot" and table[here] == table[there] == 0  # plain data: these build on each other
    if here == there or there in ("bot", "connectors") or table[there] < table[here] or at_the_ground:
        return None
    return f"{here} [{table[here]}] must not import {there} [{table[there]}]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    source = module_of(path)
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {why}"
        for line, name in imports_of(path)
        if (why := wrong_edge(source, name))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    wrong = [f"{path.name}: {lines} lines, more than 400"] if (lines := text.count("\n")) > 400 else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node, clean=False)
            size = (node.end_lineno or node.lineno) - node.lineno + 1 - (doc.count("\n") + 1 if doc else 0)
            count = len([a for a in node.args.args + node.args.posonlyargs if a.arg not in ("self", "cls")])
            wrong += [f"{path.name}:{node.lineno} {node.name}: {size} lines, more than 50"] if size > 50 else []
            wrong += (
                [f"{path.name}:{node.lineno} {node.name}: {count} positional parameters, more than 5"]
                if count > 5
                else []
            )
    assert not wrong, "\n".join(wrong)


def test_every_rule_can_fail() -> None:
    assert wrong_edge("bot.events", "bot.tracker.Tracker")
    assert wrong_edge("bot.agent", "connectors.server.app")
    assert wrong_edge("connectors.rest.channel", "bot.shop.orders.Order")
    assert wrong_edge("bot.newcomer", "bot.events.Event")
    assert not wrong_edge("bot.agent", "bot.policies.policy.Policy")
