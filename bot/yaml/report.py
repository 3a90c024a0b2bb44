"""Collects problems, and asks nodes for what they should be: a wrong type is a problem and not an exception."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.errors import Mark, Problem, nearest
from bot.yaml.node import Mapping, Node, Scalar, Sequence

MAX_PROBLEMS = 500
"""Errors listed, and warnings listed, of one reading."""

Place = Node | Mark | None


def mark_of(place: Place) -> Mark | None:
    return place.mark if isinstance(place, Node) else place


class Report:
    """All problems of one reading, in the order they were found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.counts = {"error": 0, "warning": 0}

    def error(self, place: Place, text: str, advice: str = "") -> None:
        self.add(Problem(mark_of(place), text, advice))

    def warning(self, place: Place, text: str, advice: str = "") -> None:
        self.add(Problem(mark_of(place), text, advice, "warning"))

    def add(self, problem: Problem) -> None:
        """Keep the problem, unless there are too many of its kind: nobody reads a thousand of them."""
        self.counts[problem.severity] += 1
        if self.counts[problem.severity] < MAX_PROBLEMS:
            self.problems.append(problem)
        elif self.counts[problem.severity] == MAX_PROBLEMS:
            text = f"There are more than {MAX_PROBLEMS} problems like those above; the others are not listed."
            self.problems.append(Problem(problem.mark, text, "Put these right first.", problem.severity))

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def mapping(self, node: Node | None, what: str) -> Mapping | None:
        """The node as a mapping; None when it is missing, empty or (a problem) something else."""
        if isinstance(node, Mapping):
            return node
        if node is not None and not node.is_null:
            self.error(node, f"{what} must be keys with values ('key: value').", _found(node))
        return None

    def sequence(self, node: Node | None, what: str) -> list[Node]:
        """The node's items; none when it is missing, empty or (a problem) something else."""
        if isinstance(node, Sequence):
            return node.items
        if node is not None and not node.is_null:
            self.error(node, f"{what} must be a list: each line starts with '- '.", _found(node))
        return []

    def text(self, node: Node | None, what: str) -> str | None:
        """The text as written: `42` and `no` count as text too. None when missing or (a problem) not text."""
        if isinstance(node, Scalar) and not node.is_null:
            return node.text
        if node is None or node.is_null:
            return None
        braces = isinstance(node, (Mapping, Sequence)) and node.flow
        advice = "Put quotes round text that begins with a brace or bracket." if braces else _found(node)
        self.error(node, f"{what} must be text.", advice)
        return None

    def required_text(self, mapping: Mapping, key: str, what: str) -> str | None:
        """Like `text`, but nothing there is a problem too."""
        node = mapping.get(key)
        if node is None or node.is_null:
            place = mapping.key(key) or mapping
            self.error(place, f"{what} is missing.", f"Write it after '{key}:'.")
            return None
        return self.text(node, what)

    def flag(self, node: Node | None, what: str, default: bool) -> bool:
        """true or false; the default when missing or (a problem) something else."""
        if node is None or node.is_null:
            return default
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.error(node, f"{what} must be true or false.", _found(node))
        return default

    def number(self, node: Node | None, what: str, default: float) -> float:
        """A number that is not a truth value; the default when missing or (a problem) something else."""
        if node is None or node.is_null:
            return default
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        self.error(node, f"{what} must be a number.", _found(node))
        return default

    def names(self, node: Node | None, what: str) -> Iterator[Scalar]:
        """One name, or a list of names, as nodes."""
        items = node.items if isinstance(node, Sequence) else [node]
        for item in items:
            if isinstance(item, Scalar) and not item.is_null and item.text.strip():
                yield item
            elif item is not None and (not item.is_null or isinstance(node, Sequence)):
                self.error(item, f"{what} must be a name or a list of names.", _found(item))

    def unknown_keys(self, mapping: Mapping, known: Collection[str], where: str) -> None:
        """Warn of keys that nobody reads, with the nearest known one."""
        for key, _ in mapping.items():
            if key.text not in known and self.counts["warning"] < MAX_PROBLEMS:
                near = nearest(key.text, known)
                advice = f"Did you mean '{near}'?" if near else f"Known here: {', '.join(sorted(known))}."
                self.warning(key, f"'{key.text}' is not known in {where} and is ignored.", advice)


def _found(node: Node) -> str:
    if isinstance(node, Mapping):
        return "Found keys with values."
    if isinstance(node, Sequence):
        return "Found a list."
    text = node.text if isinstance(node, Scalar) else ""
    return f"Found '{text[:40]}'."
