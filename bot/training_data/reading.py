"""What one reading of a project gathers beside the data: problems, who declares a name, who uses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bot.errors import Mark
from bot.yaml.node import Mapping, Node, Scalar
from bot.yaml.report import Report

Kind = Literal["intent", "entity", "slot", "action", "form", "loop"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A name used somewhere. `where`: in words, such as "the rule 'Greet'"; `severity`: of it leading nowhere."""

    kind: Kind
    name: str
    mark: Mark
    where: str
    severity: Literal["error", "warning"] = "error"


class Reading(Report):
    """A Report that also keeps declarations and references, for the cross-checks.

    `broken` names the parts ("domain", "data") of which a file could not be read: what they would have declared is
    unknown, so nothing is said about it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.references: list[Reference] = []
        self.declared: dict[tuple[str, str], Mark] = {}
        self.broken: set[str] = set()

    def refer(self, kind: Kind, node: Scalar, where: str) -> str:
        """Note that `node` names a `kind`; returns the name."""
        self.references.append(Reference(kind, node.text, node.mark, where))
        return node.text

    def refer_at(self, kind: Kind, name: str, mark: Mark, where: str) -> None:
        """Note a name that stands inside a longer text; such a name may be unknown without harm."""
        self.references.append(Reference(kind, name, mark, where, "warning"))

    def declare(self, kind: str, node: Scalar) -> bool:
        """Note that `node` declares a `kind`; False when it was declared before."""
        key = (kind, node.text)
        if key in self.declared:
            return False
        self.declared[key] = node.mark
        return True

    def named(self, node: Node | None, what: str) -> Iterator[tuple[Scalar, Node | None]]:
        """Items of a list of names, where an item may carry settings: `- name` or `- name: {...}`."""
        for item in self.sequence(node, what):
            if isinstance(item, Scalar) and not item.is_null:
                yield item, None
            elif isinstance(item, Mapping) and len(item.pairs) == 1:
                yield next(item.items())
            elif isinstance(item, Mapping) and item.pairs:
                key, _ = next(item.items())
                self.error(key, f"The settings of '{key.text}' are not below it.", "Indent them by two more spaces.")
                yield key, None
            else:
                self.error(item, f"An entry of {what} must be a name.", "Delete the line or write the name.")
