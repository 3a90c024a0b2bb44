"""A YAML file as a tree. Every node knows its line and column, and gives its value as plain JSON.

Source ── root: Node
Node   ├── Scalar    a word, number or text
       ├── Sequence  a list
       └── Mapping   keys with values
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.errors import Mark
from bot.yaml.scalar import Plain, resolve


class Source:
    """One file: its name as the merchant knows it, its text, its tree (None when it is empty)."""

    __slots__ = ("_lines", "file", "root", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.root: Node | None = None
        self._lines: list[str] | None = None

    def indent(self, line: int) -> int:
        """Number of blanks that `line` (from 1) starts with."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        if line > len(self._lines):
            return 0
        text = self._lines[line - 1]
        return len(text) - len(text.lstrip())


class Node:
    """What all nodes share: `line` and `column` count from 1; `weight` grows with all that hangs below."""

    __slots__ = ("column", "line", "source", "weight")

    def __init__(self, source: Source, line: int, column: int) -> None:
        self.source = source
        self.line = line
        self.column = column
        self.weight = 1

    @property
    def mark(self) -> Mark:
        return Mark(self.source.file, self.line, self.column)

    @property
    def value(self) -> Any:
        """Plain JSON; a new object at each call."""
        raise NotImplementedError

    @property
    def is_null(self) -> bool:
        return False


class Scalar(Node):
    """`text`: as written, without quotes. `style`: `|` and `>` for blocks, `'` and `"` for quotes, else empty."""

    __slots__ = ("style", "tag", "text")

    def __init__(self, source: Source, line: int, column: int, text: str, *, style: str, tag: str) -> None:
        super().__init__(source, line, column)
        self.text = text
        self.style = style
        self.tag = tag

    @property
    def value(self) -> Plain:
        if self.tag == "str" or (self.style and not self.tag):
            return self.text
        return resolve(self.text)

    @property
    def is_null(self) -> bool:
        return not self.style and self.value is None

    def lines(self) -> Iterator[tuple[int, str]]:
        """Lines of a block with their line numbers in the file; a quoted text counts as one line."""
        if self.style == "|":
            yield from enumerate(self.text.split("\n"), self.line + 1)
        else:
            yield from ((self.line, line) for line in self.text.split("\n"))

    def line_mark(self, line: int) -> Mark:
        """The place of the first letter in a line that `lines` gave."""
        if line == self.line:
            return self.mark
        return Mark(self.source.file, line, self.source.indent(line) + 1)


class Sequence(Node):
    """A list. `flow`: written with [brackets]."""

    __slots__ = ("flow", "items")

    def __init__(self, source: Source, line: int, column: int, *, flow: bool) -> None:
        super().__init__(source, line, column)
        self.items: list[Node] = []
        self.flow = flow

    @property
    def value(self) -> list[Any]:
        return [item.value for item in self.items]


class Mapping(Node):
    """Keys with values, in the order of the file. `flow`: written with {braces}."""

    __slots__ = ("flow", "pairs")

    def __init__(self, source: Source, line: int, column: int, *, flow: bool) -> None:
        super().__init__(source, line, column)
        self.pairs: dict[str, tuple[Scalar, Node]] = {}
        self.flow = flow

    @property
    def value(self) -> dict[str, Any]:
        return {key: child.value for key, (_, child) in self.pairs.items()}

    def get(self, key: str) -> Node | None:
        pair = self.pairs.get(key)
        return pair[1] if pair else None

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place."""
        pair = self.pairs.get(key)
        return pair[0] if pair else None

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.pairs.values())

    def __contains__(self, key: object) -> bool:
        return key in self.pairs
