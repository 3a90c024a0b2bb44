"""The YAML parser's complaints in plain words, each with what to do."""

from __future__ import annotations

import yaml

from bot.errors import Mark, Problem
from bot.yaml.node import Source

_INDENTATION = "Lines that belong together must start in the same column; use spaces only, two for each level."
_COLON = 'Put a colon and a space after a key ("key: value"), and quotes around text that contains a colon.'
_QUOTE = "Put the whole text in quotes."

_ADVICE = (
    ("mapping values are not allowed", "There is a colon where none can be.", _COLON),
    ("could not find expected ':'", "A colon is missing after this key.", _COLON),
    ("did not find expected key", "This line is not indented like its neighbours.", _INDENTATION),
    ("did not find expected '-' indicator", "A list item must start with '- ' here.", _INDENTATION),
    ("did not find expected ',' or ']'", "A bracket '[' is not closed.", "Close it with ']', or put quotes round."),
    ("did not find expected ',' or '}'", "A brace '{' is not closed.", "Close it with '}', or put quotes round."),
    ("did not find expected node content", "A bracket or brace is opened and not closed.",
     "Close it, or put quotes round the text."),
    ("found unexpected end of stream", "A quote is opened and never closed.",
     "Close the quote at the end of the text."),
    ("found unknown escape character", "A backslash in double quotes starts a code that does not exist.",
     "Use single quotes, or write the backslash twice."),
    ("did not find expected alphabetic or numeric", "Text can't begin with '*' or '&'.", _QUOTE),
    ("did not find expected comment or line break", "Nothing may follow '|' or '>' in the same line.",
     "Start the text in the next line."),
    ("found a tab character", "There is a tab in the indentation.", "Replace each tab by two spaces."),
    ("did not find expected <document start>", "The file goes on after its end.", _INDENTATION),
    ("block sequence entries are not allowed", "A list can't start in the same line as its key.",
     "Begin the list in the next line."),
    ("found invalid", "There is a character code that does not exist.", "Use single quotes, or correct the code."),
)  # fmt: skip

_AT_OPENING = ("could not find expected ':'", "did not find expected node content", "found unexpected end of stream",
               "did not find expected ',' or ']'", "did not find expected ',' or '}'")  # fmt: skip


def problem_of(error: yaml.YAMLError, source: Source) -> Problem:
    """The parser's `error` as a Problem with its place."""
    if isinstance(error, yaml.reader.ReaderError):
        return _of_character(error, source)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem(Mark(source.file), "This file is not valid YAML.", _INDENTATION)
    line, column = error.problem_mark.line, error.problem_mark.column
    mark = Mark(source.file, line + 1, column + 1)
    complaint = error.problem or ""
    if "cannot start any token" in complaint:
        return _of_start(source, line, column, mark)
    for fragment, text, advice in _ADVICE:
        if fragment in complaint:
            return Problem(_opening(error, mark) if fragment in _AT_OPENING else mark, text, advice)
    return Problem(mark, f"This is not valid YAML: {complaint}.", _INDENTATION)


def _opening(error: yaml.MarkedYAMLError, mark: Mark) -> Mark:
    """Where a quote, bracket or key began: more useful than the later place where the parser noticed."""
    opened = error.context_mark
    return Mark(mark.file, opened.line + 1, opened.column + 1) if opened else mark


def _of_start(source: Source, line: int, column: int, mark: Mark) -> Problem:
    lines = source.text.split("\n")
    character = lines[line][column : column + 1] if line < len(lines) else ""
    if character == "\t":
        return Problem(mark, "There is a tab in the indentation.", "Replace each tab by two spaces.")
    return Problem(mark, f"Text can't begin with '{character}'.", _QUOTE)


def _of_character(error: yaml.reader.ReaderError, source: Source) -> Problem:
    # libyaml counts bytes here, and PyYAML hands it UTF-8.
    before = source.text.encode()[: error.position].decode(errors="replace")
    mark = Mark(source.file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
    return Problem(mark, f"The file holds the control character #x{code:02x}.", "Delete it: it is usually invisible.")
