"""The chain of components that a project's `config.yml` declares."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from bot.errors import Problem, ProjectError
from bot.messages import Json
from bot.nlu.component import Component, ParseResult
from bot.nlu.table import COMPONENTS, DEFAULT_PIPELINE, HANDLED_BY_ENCODER
from bot.registry import find
from bot.training_data.data import TrainingData

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of the whole is done, 0 to 1."""


class Settings(Protocol):
    """What the pipeline needs of an entry of `config.yml`."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...


@dataclass(slots=True)
class _Step:
    name: str
    settings: Json
    component: Component


class Pipeline:
    """Components in order. Built by `from_config` or `from_state`."""

    def __init__(self, steps: Sequence[_Step], *, language: str) -> None:
        self._steps = list(steps)
        self.language = language

    @classmethod
    def from_config(cls, components: Sequence[Settings], *, language: str = "en") -> Self:
        """The untrained pipeline.

        Args:
            components: in the order of the file; none of them means DEFAULT_PIPELINE.
            language: `language:` of the project.

        Raises:
            RegistryError: a name that leads to nothing.
            ProjectError: a component needs what no earlier one provides.
        """
        chosen = [(entry.name, dict(entry.settings)) for entry in components]
        chosen = chosen or [(name, dict(settings)) for name, settings in DEFAULT_PIPELINE]
        steps = [_step(name, settings, language) for name, settings in _merged(chosen)]
        _check_order(steps)
        return cls(steps, language=language)

    def train(self, data: TrainingData, *, progress: Progress | None = None) -> None:
        """Trains each component on what the earlier ones made of the examples."""
        results = [ParseResult(text=example.text) for example in data.nlu.examples]
        for index, step in enumerate(self._steps):
            if progress:
                progress(step.name, index / len(self._steps))
            step.component.train(data, results)
            if index + 1 < len(self._steps):
                step.component.parse(results)
        if progress:
            progress("understanding", 1.0)

    def parse(self, texts: Sequence[str]) -> list[ParseResult]:
        """What each text means. Never raises because of what a text holds."""
        results = [ParseResult(text=text) for text in texts]
        for step in self._steps:
            step.component.parse(results)
        for result in results:
            result.entities.sort(key=lambda entity: (entity.get("start", 0), entity.get("end", 0)))
        return results

    def quicken(self) -> None:
        """Let components make themselves faster, which takes a moment: a server does it once it answers."""
        for step in self._steps:
            if quicken := getattr(step.component, "quicken", None):
                quicken()

    def to_state(self) -> tuple[Json, dict[str, Any]]:
        """What was learnt: JSON, and numpy arrays by name (for safetensors)."""
        steps: list[Json] = []
        arrays: dict[str, Any] = {}
        for index, step in enumerate(self._steps):
            state, own = step.component.to_state()
            steps.append({"name": step.name, "settings": step.settings, "state": state})
            arrays |= {f"{index}.{name}": array for name, array in own.items()}
        return {"language": self.language, "components": steps}, arrays

    @classmethod
    def from_state(cls, state: Json, arrays: Mapping[str, Any]) -> Self:
        """The pipeline as it was after training."""
        steps = []
        for index, item in enumerate(state["components"]):
            prefix = f"{index}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            found = find("component", item["name"], COMPONENTS)
            component = found.from_state(item["settings"], item["state"], own)  # type: ignore[attr-defined]
            steps.append(_Step(item["name"], item["settings"], component))
        return cls(steps, language=state["language"])


def _merged(chosen: Sequence[tuple[str, Json]]) -> list[tuple[str, Json]]:
    """Without the tokenizers and featurizers whose work our encoder does: one notice each."""
    kept = []
    for name, settings in chosen:
        if name.rpartition(".")[2] in HANDLED_BY_ENCODER and (name.startswith("rasa.") or "." not in name):
            log.info("%s: left out, the encoder does its work.", name)
        else:
            kept.append((name, settings))
    return kept


def _step(name: str, settings: Json, language: str) -> _Step:
    found = find("component", name, COMPONENTS)
    if getattr(found, "reads_language", False):
        settings = {"language": language} | settings
    return _Step(name, settings, found(settings))


def _check_order(steps: Sequence[_Step]) -> None:
    provided: set[str] = set()
    problems = []
    for step in steps:
        for key in step.component.requires:
            if key in provided:
                continue
            makers = [other.name for other in steps if key in other.component.assigns]
            advice = f"Move {makers[0]} before it." if makers else "Add a component that assigns it before this one."
            problems.append(
                Problem(None, f"pipeline: {step.name} needs '{key}', which nothing before assigns.", advice)
            )
        provided |= set(step.component.assigns)
    if problems:
        raise ProjectError(problems)
