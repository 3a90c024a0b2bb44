"""The settings of a project: config.yml (what is trained), endpoints.yml and credentials.yml (what is connected).

Every key is kept, also those that only a plug-in knows. `${NAME}` is replaced by the environment variable in
endpoints.yml and credentials.yml and nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import Mark, ProjectError
from bot.messages import Json
from bot.yaml.node import Mapping, Node, Scalar, Sequence
from bot.yaml.reader import read_file
from bot.yaml.report import Report

_CONFIG_KEYS = ("version", "recipe", "language", "assistant_id", "pipeline", "policies", "importers", "data",
                "train_schema", "predict_schema", "core_target", "nlu_target", "spaces")  # fmt: skip
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_OLD_TEMPLATES = ("supervised_embeddings", "pretrained_embeddings_spacy", "pretrained_embeddings_convert")


@dataclass(frozen=True, slots=True)
class ComponentConfig:
    """One entry of `pipeline` or `policies`. `settings`: everything except `name`."""

    name: str
    settings: MappingOf[str, Any] = field(default_factory=dict)
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """config.yml. An empty `pipeline` or `policies` means that Shoptalk chooses; `extra` holds all other keys."""

    recipe: str = "default.v1"
    language: str = "en"
    assistant_id: str = ""
    pipeline: tuple[ComponentConfig, ...] = ()
    policies: tuple[ComponentConfig, ...] = ()
    extra: MappingOf[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """A service reached over HTTP. `timeout_s`: for one call; `extra`: all other keys."""

    url: str
    token: str | None = None
    token_name: str = "token"  # noqa: S105, the parameter's name in Rasa
    headers: MappingOf[str, str] = field(default_factory=dict)
    timeout_s: float = 10.0
    extra: MappingOf[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """endpoints.yml. `sections`: top-level key -> its mapping, variables replaced."""

    action_endpoint: EndpointConfig | None = None
    sections: MappingOf[str, MappingOf[str, Any]] = field(default_factory=dict)

    def section(self, name: str) -> MappingOf[str, Any]:
        """One section (`tracker_store`, `nlg`, `shop`, `mail`, `desk`, `ledger` ...); empty when absent."""
        return self.sections.get(name, {})


@dataclass(frozen=True, slots=True)
class Credentials:
    """credentials.yml: channel name -> its settings, in the order of the file."""

    channels: MappingOf[str, MappingOf[str, Any]] = field(default_factory=dict)


def config_of(root: Node | None, report: Report) -> Config:
    """A config.yml that has been parsed; problems go to `report`."""
    mapping = report.mapping(root, "config.yml")
    if mapping is None:
        return Config()
    report.unknown_keys(mapping, _CONFIG_KEYS, "config.yml")
    taken = ("recipe", "language", "assistant_id", "pipeline", "policies")
    return Config(
        recipe=report.text(mapping.get("recipe"), "The recipe") or "default.v1",
        language=report.text(mapping.get("language"), "The language") or "en",
        assistant_id=report.text(mapping.get("assistant_id"), "The assistant_id") or "",
        pipeline=_components(mapping.get("pipeline"), "pipeline", report),
        policies=_components(mapping.get("policies"), "policies", report),
        extra={key.text: child.value for key, child in mapping.items() if key.text not in taken},
    )


def _components(node: Node | None, where: str, report: Report) -> tuple[ComponentConfig, ...]:
    if isinstance(node, Scalar) and node.text in _OLD_TEMPLATES:
        report.warning(node, f"The template '{node.text}' is of an older Rasa.", "Shoptalk's own pipeline is used.")
        return ()
    found = (_component(item, where, report) for item in report.sequence(node, f"'{where}'"))
    return tuple(component for component in found if component is not None)


def _component(item: Node, where: str, report: Report) -> ComponentConfig | None:
    if isinstance(item, Scalar) and not item.is_null:
        return ComponentConfig(item.text, mark=item.mark)
    if not isinstance(item, Mapping):
        report.error(item, f"An entry of '{where}' must be '- name: ...' with its settings below.")
        return None
    name = report.required_text(item, "name", f"The name of an entry in '{where}'")
    if name is None:
        return None
    settings = {key.text: child.value for key, child in item.items() if key.text != "name"}
    return ComponentConfig(name, settings, (item.get("name") or item).mark)


def read_endpoints(path: Path | None, *, environment: MappingOf[str, str] = os.environ) -> Endpoints:
    """Read endpoints.yml; an absent file is an empty one.

    Raises:
        ProjectError: with every problem in the file.
    """
    report = Report()
    sections, marks = _sections(path, environment, report)
    endpoint = _action_endpoint(sections.get("action_endpoint"), marks.get("action_endpoint"), report)
    if report.errors:
        raise ProjectError(report.problems)
    return Endpoints(endpoint, sections)


def read_credentials(path: Path | None, *, environment: MappingOf[str, str] = os.environ) -> Credentials:
    """Read credentials.yml; an absent file is an empty one.

    Raises:
        ProjectError: with every problem in the file.
    """
    report = Report()
    sections, _ = _sections(path, environment, report)
    if report.errors:
        raise ProjectError(report.problems)
    return Credentials(sections)


def _sections(
    path: Path | None, environment: MappingOf[str, str], report: Report
) -> tuple[dict[str, Json], dict[str, Mark]]:
    """Top-level keys with their mappings, and with their places."""
    source = read_file(path, path.name, report) if path and path.exists() else None
    mapping = report.mapping(source.root, source.file) if source else None
    found: dict[str, Json] = {}
    marks: dict[str, Mark] = {}
    for key, child in mapping.items() if mapping else ():
        section = report.mapping(child, f"The section '{key.text}'")
        found[key.text] = _expanded(section, environment, report) if section else {}
        marks[key.text] = key.mark
    return found, marks


def _expanded(node: Node, environment: MappingOf[str, str], report: Report) -> Any:
    """Plain JSON with variables replaced. A replaced value stays text: a secret of digits is no number."""
    if isinstance(node, Mapping):
        return {key.text: _expanded(child, environment, report) for key, child in node.items()}
    if isinstance(node, Sequence):
        return [_expanded(item, environment, report) for item in node.items]
    if not isinstance(node, Scalar) or "${" not in node.text:
        return node.value
    for name in _VARIABLE.findall(node.text):
        if name not in environment:
            advice = f"Set it before the start, for example: export {name}=..."
            report.error(node, f"The environment variable {name} is not set.", advice)
    return _VARIABLE.sub(lambda match: environment.get(match[1], ""), node.text)


def _action_endpoint(section: Json | None, mark: Mark | None, report: Report) -> EndpointConfig | None:
    if not section:
        return None
    url = section.get("url")
    if not url and section.get("actions_module"):
        return None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        report.error(mark, "action_endpoint needs a url.", "For example url: http://localhost:5055/webhook")
        return None
    timeout = section.get("timeout", section.get("timeout_s", 10.0))
    headers = section.get("headers") or {}
    try:
        timeout_s = float(str(timeout))
    except ValueError:
        timeout_s = 0.0
    if not 0 < timeout_s < float("inf"):
        report.error(mark, "The timeout of action_endpoint must be a number of seconds above 0.")
        return None
    if not isinstance(headers, dict):
        report.error(mark, "The headers of action_endpoint must be keys with values.")
        return None
    taken = ("url", "token", "token_name", "headers", "timeout", "timeout_s")
    return EndpointConfig(
        url,
        token=None if section.get("token") is None else str(section["token"]),
        token_name=str(section.get("token_name", "token")),
        headers={str(key): str(value) for key, value in headers.items()},
        timeout_s=timeout_s,
        extra={key: value for key, value in section.items() if key not in taken},
    )
