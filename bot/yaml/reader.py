"""Bytes of one YAML file -> Source with its tree, within limits of size, depth and aliases.

libyaml does the parsing; the tree is built here, without recursion, so that no file can exhaust the stack, and an
alias is weighed before it is followed, so that no file can unfold into gigabytes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bot.errors import Mark, Problem
from bot.yaml.node import Mapping, Node, Scalar, Sequence, Source
from bot.yaml.report import Report
from bot.yaml.syntax import problem_of

MAX_FILE_BYTES = 10_000_000
MAX_DEPTH = 50
MAX_NODES = 1_000_000
MAX_ALIASES = 1_000
MAX_UNFOLDED = 200_000
"""Weight that all aliases of a file may add: a node weighs 1, and 1 more for each 64 characters."""

_CORE_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "seq", "map")}
_CODE = re.compile(r"\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}")
_MERGED = "merged"
"""Tag of a key that came through `<<`; a key of the mapping itself may replace it."""
_BOMS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def read_file(path: Path, name: str, report: Report) -> Source | None:
    """Read one file; every problem goes to `report`.

    Args:
        path: the file.
        name: how problems call it, usually its path within the project.
        report: collects problems.

    Returns:
        None when the file can't be used at all.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            advice = "Split it into several files."
            report.error(Mark(name), f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB.", advice)
            return None
        data = path.read_bytes()
    except OSError as error:
        report.error(Mark(name), f"The file can't be read: {error.strerror or error}.", "Check that it may be read.")
        return None
    return read_bytes(data, name, report)


def read_bytes(data: bytes, name: str, report: Report) -> Source | None:
    """Like `read_file`, from bytes that are already here."""
    if len(data) > MAX_FILE_BYTES:
        report.error(Mark(name), f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB.", "Split it.")
        return None
    text = _decode(data, name, report)
    if text is None:
        return None
    source = Source(name, text)
    try:
        source.root = _Builder(source, report).build()
    except _Refused as refused:
        report.add(refused.problem)
        return None
    except yaml.YAMLError as error:
        report.add(problem_of(error, source))
        return None
    return source


def _decode(data: bytes, name: str, report: Report) -> str | None:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            report.error(Mark(name), f"The file is saved as {encoding}.", "Save it as UTF-8.")
            return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        report.error(Mark(name, line, column), "This character is not valid UTF-8.", "Save the file as UTF-8.")
        return None
    return _unescape(text) if "\\u" in text or "\\U" in text else text


def _unescape(text: str) -> str:
    """Rasa turns \\uXXXX into letters before parsing where a file is plain ASCII (emojis typed as codes)."""
    if not text.isascii():
        return text
    try:
        raw = _CODE.sub(lambda match: match[0].encode().decode("unicode_escape"), text)
        plain = raw.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeError:
        return text
    # A code for a control character or a quote would break the syntax; the parser knows how to read those itself.
    return (
        plain if all(c.isprintable() for c in set(plain) - set(text)) and plain.count('"') == text.count('"') else text
    )


class _Refused(Exception):
    def __init__(self, mark: Mark, text: str, advice: str) -> None:
        self.problem = Problem(mark, text, advice)
        super().__init__(text)


class _Builder:
    """Turns the parser's events into nodes. `stack` holds open lists and mappings, `keys` the key each waits on."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.report = report
        self.stack: list[Sequence | Mapping] = []
        self.keys: list[Scalar | None] = []
        self.names: list[str | None] = []
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None
        self.nodes = self.aliases = self.unfolded = self.documents = 0

    def build(self) -> Node | None:
        loader = yaml.CSafeLoader(self.source.text)
        try:
            while True:
                event: Any = loader.get_event()
                handler = _HANDLERS.get(type(event))
                if handler is not None:
                    handler(self, event)
                elif type(event) is yaml.StreamEndEvent:
                    return self.root
        finally:
            loader.dispose()

    def scalar(self, event: Any) -> None:
        mark = event.start_mark
        style = event.style if event.style in ("|", ">", "'", '"') else ""
        tag = self.tag(event) if event.tag else ""
        node = Scalar(self.source, mark.line + 1, mark.column + 1, event.value, style=style, tag=tag)
        node.weight += len(event.value) >> 6
        self.place(node, event.anchor)

    def open(self, event: Any) -> None:
        mark = event.start_mark
        if event.tag:
            self.tag(event)
        if len(self.stack) >= MAX_DEPTH:
            self.refuse(mark, f"The nesting is deeper than {MAX_DEPTH} levels.", "Write it flatter.")
        kind = Mapping if type(event) is yaml.MappingStartEvent else Sequence
        self.stack.append(kind(self.source, mark.line + 1, mark.column + 1, flow=bool(event.flow_style)))
        self.keys.append(None)
        self.names.append(event.anchor)

    def close(self, _event: Any) -> None:
        node = self.stack.pop()
        self.keys.pop()
        self.place(node, self.names.pop())

    def alias(self, event: Any) -> None:
        self.aliases += 1
        target = self.anchors.get(event.anchor)
        if target is None:
            advice = f"Write &{event.anchor} at the first place, or quotes round a text that begins with '*'."
            self.refuse(event.start_mark, f"Nothing before this line is named '&{event.anchor}'.", advice)
            return
        self.unfolded += target.weight
        if self.aliases > MAX_ALIASES or self.unfolded > MAX_UNFOLDED:
            advice = "Write the values out, or split the file."
            self.refuse(event.start_mark, "The aliases (*name) of this file unfold into too much data.", advice)
        self.place(target, None)

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.refuse(event.start_mark, "A second document starts here.", "Delete the line '---', or split the file.")

    def place(self, node: Node, anchor: str | None) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Refused(node.mark, f"The file holds more than {MAX_NODES} values.", "Split it into several files.")
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.weight += node.weight
        if isinstance(parent, Sequence):
            parent.items.append(node)
        else:
            self.pair(parent, node)

    def pair(self, parent: Mapping, node: Node) -> None:
        key = self.keys[-1]
        if key is None:
            if not isinstance(node, Scalar):
                raise _Refused(node.mark, "A key must be a single word or text.", "Put quotes round text in braces.")
            self.keys[-1] = node
            return
        self.keys[-1] = None
        if key.text == "<<" and not key.style:
            self.merge(parent, node)
        elif key.text not in parent.pairs or parent.pairs[key.text][0].tag == _MERGED:
            parent.pairs[key.text] = (key, node)
        else:
            first = parent.pairs[key.text][0]
            advice = "Keep one of the two, or join them."
            self.report.error(key, f"The key '{key.text}' stands here twice, first in line {first.line}.", advice)

    def merge(self, parent: Mapping, node: Node) -> None:
        """`<<: *name`: the mapping's own keys win over merged ones."""
        for other in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(other, Mapping):
                raise _Refused(node.mark, "'<<' needs a mapping.", "Give it an alias such as *name.")
            for key, value in other.items():
                copy = Scalar(key.source, key.line, key.column, key.text, style=key.style, tag=_MERGED)
                parent.pairs.setdefault(key.text, (copy, value))

    def tag(self, event: Any) -> str:
        name = _CORE_TAGS.get(event.tag)
        if name is None and event.tag != "!":
            written = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.refuse(event.start_mark, f"The tag '{written}' is not allowed.", "Delete it, or use quotes.")
        return name or "str"

    def refuse(self, mark: Any, text: str, advice: str) -> None:
        raise _Refused(Mark(self.source.file, mark.line + 1, mark.column + 1), text, advice)


_HANDLERS: dict[type, Any] = {
    yaml.ScalarEvent: _Builder.scalar,
    yaml.MappingStartEvent: _Builder.open,
    yaml.SequenceStartEvent: _Builder.open,
    yaml.MappingEndEvent: _Builder.close,
    yaml.SequenceEndEvent: _Builder.close,
    yaml.AliasEvent: _Builder.alias,
    yaml.DocumentStartEvent: _Builder.document,
}
