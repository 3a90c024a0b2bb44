"""`nlu:` sections -> examples, synonyms, regexes, lookups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.errors import Mark
from bot.training_data.data import Example, NluData
from bot.training_data.markup import Marked, parse_markup
from bot.training_data.reading import Reading
from bot.yaml.node import Mapping, Node, Scalar, Sequence
from bot.yaml.reader import MAX_FILE_BYTES

_KINDS = ("intent", "synonym", "regex", "lookup")
_KEYS = (*_KINDS, "examples", "metadata")
_EXAMPLE_KEYS = ("text", "metadata", "entities")


class NluReader:
    """Takes in one file after the other; `data()` gives the sum. `folder`: where a lookup's file may stand."""

    def __init__(self, reading: Reading, folder: Path) -> None:
        self.reading = reading
        self.folder = folder
        self.examples: list[Example] = []
        self.synonyms: dict[str, str] = {}
        self.regexes: dict[str, list[str]] = {}
        self.lookups: dict[str, list[str]] = {}
        self.lookup_files: list[Path] = []
        self.regex_marks: dict[tuple[str, str], Mark] = {}
        self.entities: set[str] = set()

    def data(self) -> NluData:
        return NluData(
            tuple(self.examples),
            self.synonyms,
            {name: tuple(patterns) for name, patterns in self.regexes.items()},
            {name: tuple(entries) for name, entries in self.lookups.items()},
        )

    def read(self, node: Node | None) -> None:
        """Take in one `nlu:` section."""
        for item in self.reading.sequence(node, "'nlu'"):
            mapping = self.reading.mapping(item, "An entry of 'nlu'")
            if mapping is not None:
                self._read_block(mapping)

    def _read_block(self, mapping: Mapping) -> None:
        self.reading.unknown_keys(mapping, _KEYS, "an 'nlu' entry")
        kinds = [kind for kind in _KINDS if kind in mapping]
        if not kinds:
            advice = "Begin the entry with one of: intent, synonym, regex, lookup."
            self.reading.error(mapping, "This entry says nothing about what its examples are.", advice)
            return
        kind = kinds[0]
        name = self.reading.required_text(mapping, kind, f"The name of this {kind}")
        key = mapping.get(kind)
        if name is None or not isinstance(key, Scalar):
            return
        reader = {"intent": self._intent, "synonym": self._synonym, "regex": self._regex, "lookup": self._lookup}[kind]
        before = len(self.examples)
        count = reader(name.strip(), key, mapping)
        if count == 0 and len(self.examples) == before:
            self.reading.warning(
                key, f"The {kind} '{name}' has no examples here.", "Add 'examples: |' and lines '- ...'."
            )

    def _intent(self, name: str, key: Scalar, mapping: Mapping) -> int:
        name = name.removeprefix("/")
        self.reading.refer_at("intent", name, key.mark, "the training examples")
        intent_metadata = _plain(mapping.get("metadata"))
        for text, mark, metadata in self._lines(mapping.get("examples"), f"The intent '{name}'"):
            marked = self._marked(text, mark)
            if not marked.text.strip():
                self.reading.warning(mark, f"An example of the intent '{name}' is empty.", "Delete the line.")
                continue
            both = {"intent": intent_metadata, "example": metadata}
            kept = {part: value for part, value in both.items() if value is not None}
            self.examples.append(Example(marked.text, name, marked.entities, kept or None, mark))
        return 0

    def _marked(self, text: str, mark: Mark) -> Marked:
        marked = parse_markup(text)
        for fault in marked.faults:
            # The mark is that of the line's '-'; the text begins two columns later.
            place = Mark(mark.file, mark.line, mark.column + 2 + fault.offset)
            (self.reading.error if fault.fatal else self.reading.warning)(place, fault.text)
        for span in marked.entities:
            spelling = marked.text[span.start : span.end]
            if span.value != spelling:
                self._add_synonym(spelling, span.value, mark)
            if span.entity not in self.entities:
                self.entities.add(span.entity)
                self.reading.refer_at("entity", span.entity, mark, "the training examples")
        return marked

    def _add_synonym(self, spelling: str, value: str, mark: Mark) -> None:
        known = self.synonyms.setdefault(spelling, value)
        if known != value:
            text = f"'{spelling}' stands for '{known}' elsewhere and for '{value}' here; '{known}' is used."
            self.reading.warning(mark, text, "Decide for one value.")

    def _synonym(self, name: str, key: Scalar, mapping: Mapping) -> int:
        count = 0
        for text, mark, _ in self._lines(mapping.get("examples"), f"The synonym '{name}'"):
            count += 1
            self._add_synonym(text, name, mark)
        return count

    def _regex(self, name: str, key: Scalar, mapping: Mapping) -> int:
        patterns = self.regexes.setdefault(name, [])
        for text, mark, _ in self._lines(mapping.get("examples"), f"The regex '{name}'"):
            self.regex_marks.setdefault((name, text), mark)
            patterns.append(text)
        return len(patterns)

    def _lookup(self, name: str, key: Scalar, mapping: Mapping) -> int:
        entries = self.lookups.setdefault(name, [])
        node = mapping.get("examples")
        if isinstance(node, Scalar) and not node.style and not node.is_null and not node.text.startswith("-"):
            entries += self._lookup_file(node.text, node)
            return 1
        for text, mark, _ in self._lines(node, f"The lookup '{name}'"):
            entries += self._lookup_file(text, mark) if text.endswith(".txt") else [text]
        return len(entries)

    def _lookup_file(self, name: str, place: Node | Mark) -> list[str]:
        """Entries of a text file, one a line. Only files within the project are read."""
        folder = self.folder.resolve()
        mark = place.mark if isinstance(place, Node) else place
        for start in (folder / mark.file).parent, folder:
            path = (start / name).resolve()
            if path.is_file() and path.is_relative_to(folder) and path.stat().st_size <= MAX_FILE_BYTES:
                self.lookup_files.append(path)
                lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
                return [line.strip() for line in lines if line.strip()]
        text = f"The lookup file '{name}' is not in the project."
        self.reading.error(place, text, "Write the entries as lines '- ...' below 'examples: |', or correct the path.")
        return []

    def _lines(self, node: Node | None, what: str) -> Iterator[tuple[str, Mark, Any]]:
        """Examples with their places and metadata, of a `|` block or of a list."""
        if isinstance(node, Sequence):
            for item in node.items:
                yield from self._item(item, what)
        elif isinstance(node, Scalar) and not node.is_null:
            yield from self._block(node, what)
        elif node is not None and not node.is_null:
            self.reading.error(node, f"{what} needs its examples as lines '- ...' below 'examples: |'.")

    def _block(self, node: Scalar, what: str) -> Iterator[tuple[str, Mark, Any]]:
        for line, text in node.lines():
            stripped = text.strip()
            if stripped.startswith("-"):
                yield stripped[1:].strip(), node.line_mark(line), None
            elif stripped:
                advice = "Put '- ' before it; lines without it are ignored."
                if not node.style:
                    advice = "Write 'examples: |' with the bar, then lines '- ...'."
                self.reading.warning(
                    node.line_mark(line), f"This line of {what[0].lower()}{what[1:]} is ignored.", advice
                )

    def _item(self, item: Node, what: str) -> Iterator[tuple[str, Mark, Any]]:
        if isinstance(item, Scalar) and not item.is_null:
            yield item.text.strip(), item.mark, None
            return
        mapping = self.reading.mapping(item, f"An example of {what[0].lower()}{what[1:]}")
        if mapping is None:
            return
        self.reading.unknown_keys(mapping, _EXAMPLE_KEYS, "an example")
        text = self.reading.required_text(mapping, "text", "The text of an example")
        node = mapping.get("text")
        if text is not None and node is not None:
            yield text.strip().removeprefix("- "), node.mark, _plain(mapping.get("metadata"))


def _plain(node: Node | None) -> Any:
    return None if node is None else node.value
