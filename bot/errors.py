"""Every error that the engine raises on purpose.

ShoptalkError                 root; the text says what, where and what to do
├── ProjectError              a merchant's folder is wrong: carries every Problem at once
├── RegistryError             a name in the YAML leads to nothing: carries the known names
├── ModelError                a model archive is missing, damaged or made by another version
├── ActionError               a custom action could not be run
│   ├── ActionUnknown         the endpoint does not know the action
│   ├── ActionRejected        the action refused (Rasa's ActionExecutionRejection)
│   └── ActionUnavailable     time-out, connection refused, 5xx, malformed answer
├── LedgerError               the store of messages and events
│   ├── LedgerUnavailable     the database cannot be reached or written now: try again
│   ├── LedgerFull            back-pressure: too many messages wait (carries retry_after_s)
│   └── FenceLost             someone else owns the conversation now: throw the turn away
└── SendError                 a channel could not deliver (carries retry_after_s, ambiguous, permanent)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

MAX_NAME_CHARS = 80
"""Longer names are compared with nothing: comparing takes time in the square of the length."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, for "did you mean"; None when nothing is close."""
    import difflib

    if len(name) > MAX_NAME_CHARS:
        return None
    by_case = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0.7)
    return by_case[found[0]] if found else None


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a merchant's file. `line` and `column` count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a project.

    Args:
        mark: where; None when no single place is at fault.
        text: what is wrong, in a merchant's words.
        advice: what to do about it.
        severity: an `error` stops training, a `warning` does not.
    """

    mark: Mark | None
    text: str
    advice: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.mark}: " if self.mark else ""
        advice = f" {self.advice}" if self.advice else ""
        return f"{place}{self.severity}: {self.text}{advice}"


class ShoptalkError(Exception):
    """Root of all errors raised on purpose."""


class ProjectError(ShoptalkError):
    """The project can't be used. `problems` holds every error found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RegistryError(ShoptalkError):
    """A name leads to no implementation. `known` holds the names that would."""

    def __init__(self, text: str, *, known: Sequence[str] = ()) -> None:
        self.known = tuple(known)
        super().__init__(text)


class ModelError(ShoptalkError):
    """A model archive can't be loaded."""


class ActionError(ShoptalkError):
    """A custom action could not be run. `action` is its name."""

    def __init__(self, text: str, *, action: str) -> None:
        self.action = action
        super().__init__(text)


class ActionUnknown(ActionError):
    """The action endpoint does not know this action."""


class ActionRejected(ActionError):
    """The action refused to run; the policies choose another one."""


class ActionUnavailable(ActionError):
    """The endpoint timed out, refused the connection, failed or answered rubbish."""


class LedgerError(ShoptalkError):
    """The store of messages and events failed."""


class LedgerUnavailable(LedgerError):
    """The database can't be reached or written now; the caller should try again."""


class LedgerFull(LedgerError):
    """Too many messages wait. `retry_after_s` is when to try again."""

    def __init__(self, text: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(text)


class FenceLost(LedgerError):
    """Another worker, or an operator, owns the conversation now: the turn is void."""


class SendError(ShoptalkError):
    """A channel could not deliver a message.

    Args:
        text: what happened.
        retry_after_s: when the platform allows the next try; None for the usual back-off.
        ambiguous: the platform may have taken the message all the same.
        permanent: trying again is useless (blocked by the shopper, chat gone).
    """

    def __init__(
        self,
        text: str,
        *,
        retry_after_s: float | None = None,
        ambiguous: bool = False,
        permanent: bool = False,
    ) -> None:
        self.retry_after_s = retry_after_s
        self.ambiguous = ambiguous
        self.permanent = permanent
        super().__init__(text)
