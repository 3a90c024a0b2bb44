"""The offline flow: a project is read, checked and trained into a model archive."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot import __version__
from bot.errors import Problem, ProjectError
from bot.model.archive import SUFFIX, Model, newest, read_fingerprint, write
from bot.nlu.pipeline import Pipeline
from bot.nlu.table import COMPONENTS, HANDLED_BY_ENCODER
from bot.policies.ensemble import POLICIES, STANDING_IN, Ensemble
from bot.registry import names
from bot.training_data.project import Project, ReadResult
from bot.training_data.validation import check as check_sources

OUTSIDE_EXTRACTORS = frozenset({"DucklingEntityExtractor", "SpacyEntityExtractor", "MitieEntityExtractor"})

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of the whole is done, 0 to 1."""


def check(project: Project) -> ReadResult:
    """Read and validate everything, including rules against stories; `problems` holds all that was found.

    Nothing expensive happens: the policies of this version learn by looking, in well under a second.
    """
    result = check_sources(
        project,
        components=(*names("component", COMPONENTS), *HANDLED_BY_ENCODER),
        policies=(*names("policy", POLICIES), *STANDING_IN),
    )
    result.problems.extend(_left_out(result))
    if not result.errors:
        result.problems.extend(_found_by_policies(result))
    return result


def _left_out(result: ReadResult) -> list[Problem]:
    """A notice for each extractor whose entities nobody finds here."""
    advice = "Write examples of its entities, or regex or lookup for RegexEntityExtractor."
    return [
        Problem(config.mark, f"{config.name} is not run here: what only it finds is not found.", advice, "warning")
        for config in result.config.pipeline
        if config.name.rpartition(".")[2] in OUTSIDE_EXTRACTORS
    ]


def _found_by_policies(result: ReadResult) -> list[Problem]:
    try:
        ensemble = Ensemble(result.config.policies)
        ensemble.train(result.data)
    except ProjectError as error:
        return list(error.problems)
    return list(ensemble.notices)


def train(project: Project, *, progress: Progress, warn: Callable[[Problem], None]) -> Model:
    """Check the project, then train it.

    Args:
        project: the folder.
        progress: told how far it is.
        warn: told of each warning; errors are raised.

    Raises:
        ProjectError: with every error; nothing was trained.
    """
    progress("reading and checking", 0.0)
    result = check(project)
    result.raise_errors()
    for problem in result.problems:
        warn(problem)
    config = result.config
    ensemble = Ensemble(config.policies)
    ensemble.train(result.data)
    progress("dialogue", 0.1)
    pipeline = Pipeline.from_config(config.pipeline, language=config.language)
    pipeline.train(result.data, progress=lambda what, part: progress(what, 0.1 + 0.9 * part))
    return Model(
        uuid.uuid4().hex,
        config.assistant_id,
        config.language,
        fingerprint(project),
        result.data.domain,
        pipeline,
        ensemble,
    )


def fingerprint(project: Project) -> str:
    """Of the sources and of the code that learns from them: a model with the same one need not be trained again."""
    total = hashlib.sha256(f"{__version__} {project.fingerprint()}".encode())
    for room in ("encoder", "model", "nlu", "policies", "training_data"):
        for file in sorted((Path(__file__).parent / room).glob("*.py")):
            total.update(file.read_bytes())
    return total.hexdigest()


def current(project: Project, models: Path) -> Path | None:
    """The newest archive below `models`, if it was trained from the sources as they are now."""
    path = newest(models)
    return path if path and read_fingerprint(path) == fingerprint(project) else None


def train_and_write(
    project: Project,
    models: Path,
    *,
    name: str | None = None,
    progress: Progress,
    warn: Callable[[Problem], None],
) -> Path:
    """Train and write the archive into the folder `models`, named by date and time unless `name` is given."""
    models.mkdir(parents=True, exist_ok=True)  # where it can't be, this is told before the training
    model = train(project, progress=progress, warn=warn)
    path = models / f"{name or datetime.now(UTC).strftime('%Y%m%d-%H%M%S-%f')}{SUFFIX}"
    write(model, path)
    return path
