"""The settings of endpoints.yml and credentials.yml: which there are, and what each must be.

The table is the whole truth: `docs/reference.md` names every key of it, and what the code reads stands in it. A key
that nobody reads is an error, for a misspelt `token` or `origins` would leave a door other than meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from bot.config import Credentials, Endpoints, read_credentials, read_endpoints
from bot.errors import Problem, ProjectError
from bot.registry import is_known, names
from bot.yaml import node as yaml
from bot.yaml.reader import read_file
from bot.yaml.report import Report

T = TypeVar("T")

Keys = Mapping[str, str]
"""Key -> what it must be: `text`, `number`, `flag`, `texts` (a list) or `keys` (a mapping)."""

ENDPOINTS: Mapping[str, Keys] = {
    "action_endpoint": {
        "url": "text", "token": "text", "token_name": "text", "headers": "keys", "timeout": "number",
        "timeout_s": "number", "enable_selective_domain": "flag", "actions_module": "text",
    },
    "ledger": {"url": "text"},
    "nlu": {"cache_size": "number"},
    "shop": {"url": "text", "name": "text", "secret": "text"},
    "mail": {
        "type": "text", "folder": "text", "host": "text", "port": "number", "user": "text", "password": "text",
        "sender": "text", "security": "text", "timeout_s": "number", "ca_file": "text",
    },
    "desk": {"timezone": "text", "opening_hours": "keys"},
}  # fmt: skip

CREDENTIALS: Mapping[str, Keys] = {
    "rest": {"token": "text", "trusted": "flag", "timeout_s": "number", "rate_per_s": "number", "burst": "number"},
    "web": {
        "origins": "texts", "session_days": "number", "rate_per_s": "number", "burst": "number",
        "sessions_per_minute": "number",
    },
    "storefront": {},
}  # fmt: skip

NOT_USED = {
    "tracker_store": "Conversations are kept in the database of `ledger:`.",
    "lock_store": "The database of `ledger:` sees to the order of messages.",
    "event_broker": "Events are kept in the database of `ledger:`.",
    "nlg": "Answers come from the domain's responses.",
    "models": "The model is read from models/ in the project, or from --model.",
    "model": "The model is read from models/ in the project, or from --model.",
    "tracing": "",
}
"""Sections of Rasa's endpoints.yml without effect here."""

NOT_SERVED = frozenset(
    {
        "botframework", "callback", "facebook", "hangouts", "mattermost", "rocketchat", "slack", "socketio", "telegram",
        "twilio", "twilio_voice", "webexteams",
    }
)  # fmt: skip
"""Rasa's channels that there are none of here."""


def endpoints_from(path: Path | None) -> tuple[Endpoints, list[Problem]]:
    """endpoints.yml and what is only odd about it.

    Raises:
        ProjectError: with every error in it.
    """
    report = _checked(path, ENDPOINTS)
    return _read(read_endpoints, path, report), report.problems


def credentials_from(path: Path | None) -> tuple[Credentials, list[Problem]]:
    """credentials.yml and what is only odd about it.

    Raises:
        ProjectError: with every error in it.
    """
    report = _checked(path, CREDENTIALS)
    found = _read(read_credentials, path, report).channels
    return Credentials({name: own for name, own in found.items() if name not in NOT_SERVED}), report.problems


def _read(read: Callable[[Path | None], T], path: Path | None, report: Report) -> T:
    """Read the file; what is wrong with it is told together with what was found before."""
    try:
        settings = read(path)
    except ProjectError as error:
        told = {problem.mark for problem in report.errors}
        raise ProjectError([*report.problems, *(one for one in error.problems if one.mark not in told)]) from error
    if report.errors:
        raise ProjectError(report.problems)
    return settings


def _checked(path: Path | None, table: Mapping[str, Keys]) -> Report:
    report = Report()
    source = read_file(path, path.name, report) if path and path.exists() else None
    root = report.mapping(source.root, source.file) if source else None
    for key, child in root.items() if root else ():
        section = report.mapping(child, f"The section '{key.text}'")
        if key.text in table:
            _check_section(key.text, section, table[key.text], report)
        elif table is CREDENTIALS:
            _check_channel(key, report)
        else:
            _check_other(key, report)
    return report


def _check_channel(key: yaml.Scalar, report: Report) -> None:
    """A channel that a plug-in brings: its settings are its own."""
    from connectors.server import CHANNELS, IGNORED_SECTIONS  # slow to import, and rarely needed

    if key.text in NOT_SERVED:
        report.warning(key, f"Rasa's channel '{key.text}' is not served here.", "The other channels are.")
    elif key.text not in IGNORED_SECTIONS and not is_known("channel", key.text, CHANNELS):
        known = ", ".join(sorted({*names("channel", CHANNELS), "storefront"}))
        report.error(key, f"There is no channel named '{key.text}'.", f"Known: {known}. Take the section away.")


def _check_other(key: yaml.Scalar, report: Report) -> None:
    if key.text in NOT_USED:
        report.warning(key, f"The section '{key.text}' has no effect here.", NOT_USED[key.text])
        return
    known = ", ".join(sorted(ENDPOINTS))
    report.warning(key, f"The section '{key.text}' is not known and has no effect.", f"Known: {known}.")


def _check_section(name: str, section: yaml.Mapping | None, keys: Keys, report: Report) -> None:
    for key, value in section.items() if section else ():
        if key.text in keys:
            _check_value(f"{name}: {key.text}", value, keys[key.text], report)
        elif name == "action_endpoint":  # Rasa has more keys here, none of which changes what is called
            report.warning(key, f"`{name}:` has no setting '{key.text}'; it has no effect.")
        else:
            report.error(key, f"`{name}:` has no setting '{key.text}'.", f"Known: {', '.join(keys) or 'none'}.")


def _check_value(what: str, value: yaml.Node, kind: str, report: Report) -> None:
    if isinstance(value, yaml.Scalar) and "${" in value.text:
        return  # known only when it is replaced
    match kind:
        case "text":
            report.text(value, what)
        case "number":
            if report.number(value, what, 0) < 0:
                report.error(value, f"{what} can't be below 0.")
        case "flag":
            report.flag(value, what, False)
        case "texts":
            for item in report.sequence(value, what):
                report.text(item, f"An entry of {what}")
        case _:
            report.mapping(value, what)
