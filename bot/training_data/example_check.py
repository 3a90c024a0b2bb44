"""Training examples: twice under two intents, intents without any, patterns that are no patterns."""

from __future__ import annotations

import re

from bot.domain import DEFAULT_INTENTS
from bot.errors import Mark
from bot.training_data.data import Example
from bot.training_data.project import ReadResult
from bot.yaml.report import Report

MAX_PATTERN_CHARS = 10_000


def check_examples(result: ReadResult, report: Report) -> None:
    """All checks that need nothing but examples and the domain."""
    _check_twins(result, report)
    _check_silent_intents(result, report)
    for (name, pattern), mark in result.regex_marks.items():
        _check_pattern(name, pattern, mark, report)


def _check_twins(result: ReadResult, report: Report) -> None:
    first: dict[str, Example] = {}
    for example in result.data.nlu.examples:
        twin = first.setdefault(example.text.casefold(), example)
        if twin.intent != example.intent:
            text = f"The example '{example.text[:60]}' stands under '{example.intent}' here and under '{twin.intent}'"
            report.warning(example.mark, f"{text} ({twin.mark}).", "Keep it under one intent.")


def _check_silent_intents(result: ReadResult, report: Report) -> None:
    if result.broken or not result.data.nlu.examples:
        return
    taught = {example.intent.partition("/")[0] for example in result.data.nlu.examples}
    for name in result.data.domain.intents:
        if name not in taught and name not in DEFAULT_INTENTS and not name.startswith("EXT"):
            text = f"The intent '{name}' has no training examples: the bot can't recognise it."
            report.warning(result.declared.get(("intent", name)), text, "Add some below 'nlu:', at least ten.")


def _check_pattern(name: str, pattern: str, mark: Mark, report: Report) -> None:
    import re2

    if len(pattern) > MAX_PATTERN_CHARS:
        report.error(mark, f"The pattern of '{name}' is longer than {MAX_PATTERN_CHARS} characters.", "Use a lookup.")
        return
    try:
        options = re2.Options()
        options.log_errors = False
        re2.compile(pattern, options)
    except re2.error as reason:
        said = reason.args[0] if reason.args else b""
        _tell_pattern(name, pattern, mark, said.decode() if isinstance(said, bytes) else str(said), report)


def _tell_pattern(name: str, pattern: str, mark: Mark, reason: str, report: Report) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        report.error(mark, f"The pattern of '{name}' is not a regular expression: {error}.", "Check its brackets.")
        return
    text = f"The pattern of '{name}' uses what our regular expressions lack: {reason}."
    report.warning(mark, text, "It is left out. Write it without look-around and back references.")
