"""Reading all files of a project, with every problem collected."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from bot.config import Config, config_of
from bot.errors import Mark, Problem, ProjectError
from bot.training_data.data import ActionStep, Story, TrainingData
from bot.training_data.domain_reader import DOMAIN_KEYS, DomainReader
from bot.training_data.nlu_reader import NluReader
from bot.training_data.project_files import Project, is_test, yaml_files
from bot.training_data.reading import Reading, Reference
from bot.training_data.story_reader import read_rules, read_stories
from bot.yaml.node import Mapping
from bot.yaml.reader import read_file

__all__ = ["MAX_PROJECT_BYTES", "Project", "ReadResult", "read", "read_test_stories"]

MAX_PROJECT_BYTES = 200_000_000
NEWEST_VERSION = (3, 1)
TRAINING_KEYS = ("version", "nlu", "stories", "rules", "responses")
_VERSION = re.compile(r"(\d+)\.(\d+)\Z")


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a project says.

    Args:
        data: training data with the domain; as much as could be understood.
        config: config.yml.
        problems: all that is wrong, in the order of the files.
        references: who uses which name; `declared`: where names are declared. For the cross-checks.
        regex_marks: place of each pattern, by entity name and pattern.
        broken: parts ("domain", "data") of which a file could not be read.
    """

    data: TrainingData
    config: Config
    problems: list[Problem]
    references: tuple[Reference, ...] = ()
    declared: dict[tuple[str, str], Mark] = field(default_factory=dict)
    regex_marks: dict[tuple[str, str], Mark] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def raise_errors(self) -> None:
        """Raise ProjectError when there is an error; warnings alone raise nothing."""
        if self.errors:
            raise ProjectError(self.errors)


def read(project: Project) -> ReadResult:
    """Read every file of the project; cross-checks come later (`bot.training_data.validation`).

    Never raises for what a file holds: look at `problems`.
    """
    return _ProjectReader(project).read()


class _ProjectReader:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.reading = Reading()
        self.domain = DomainReader(self.reading)
        self.nlu = NluReader(self.reading, project.path)
        self.stories: list[Story] = []
        self.answers: dict[str, None] = {}
        self.size_bytes = 0

    def read(self) -> ReadResult:
        config = self._config()
        for file in self.project.domain_files:
            self._domain_file(file)
        for file in self.project.data_files:
            self._data_file(file)
        self._check_presence()
        return self._result(config)

    def _config(self) -> Config:
        file = self.project.config_file
        if file is None:
            advice = "Shoptalk's own pipeline and policies are used."
            self.reading.warning(Mark("config.yml"), "There is no config.yml.", advice)
            return Config()
        source = read_file(file, self.project.name_of(file), self.reading)
        return config_of(source.root if source else None, self.reading)

    def _open(self, file: Path, part: str) -> Mapping | None:
        """The file's top level; None when there is nothing to read in it."""
        name = self.project.name_of(file)
        self.size_bytes += file.stat().st_size if file.is_file() else 0
        if self.size_bytes > MAX_PROJECT_BYTES:
            text = f"The project is larger than {MAX_PROJECT_BYTES // 1_000_000} MB: this file is not read."
            self.reading.error(Mark(name), text, "Remove what is no training data.")
            self.reading.broken.add(part)
            return None
        source = read_file(file, name, self.reading)
        if source is None:
            self.reading.broken.add(part)
            return None
        if source.root is None or source.root.is_null:
            self.reading.warning(Mark(name), "The file is empty.", "Fill it or delete it.")
            return None
        root = self.reading.mapping(source.root, "The file")
        if root is None:
            self.reading.broken.add(part)
        return root if root is not None and self._is_version(root) else None

    def _is_version(self, root: Mapping) -> bool:
        node = root.get("version")
        text = self.reading.text(node, "The version")
        if text is None:
            return True
        match = _VERSION.match(text)
        if match is None:
            self.reading.warning(node, f"'{text}' is not a version of the format.", 'Write version: "3.1".')
            return True
        version = (int(match[1]), int(match[2]))
        if version > NEWEST_VERSION:
            self.reading.warning(node, f"The format {text} is newer than 3.1: the file is skipped.", 'Write "3.1".')
        return version <= NEWEST_VERSION

    def _domain_file(self, file: Path) -> None:
        root = self._open(file, "domain")
        if root is None:
            return
        self.reading.unknown_keys(root, {*DOMAIN_KEYS, *TRAINING_KEYS}, "a domain file")
        self.domain.read(root)
        self._training_sections(root)

    def _data_file(self, file: Path) -> None:
        root = self._open(file, "data")
        if root is None:
            return
        alien = [key for key, _ in root.items() if key.text in DOMAIN_KEYS and key.text not in TRAINING_KEYS]
        if alien:
            names = ", ".join(key.text for key in alien)
            text = f"This training file holds parts of a domain, which are not read here: {names}."
            self.reading.warning(alien[0], text, "Move them to the domain.")
        self.reading.unknown_keys(root, {*TRAINING_KEYS, *DOMAIN_KEYS}, "a training file")
        self.answers |= dict.fromkeys(self.domain.add_responses(root.get("responses")))
        self._training_sections(root)

    def _training_sections(self, root: Mapping) -> None:
        self.nlu.read(root.get("nlu"))
        self.stories += read_stories(root.get("stories"), self.reading)
        self.stories += read_rules(root.get("rules"), self.reading)

    def _check_presence(self) -> None:
        if not self.project.domain_files:
            advice = "Create domain.yml or a folder domain/, or name it with --domain."
            self.reading.error(Mark("domain.yml"), "There is no domain.", advice)
            self.reading.broken.add("domain")
        if not self.project.data_files:
            advice = "Create a folder data/ or nlu_data/, or name it with --data."
            self.reading.warning(Mark("data"), "There is no training data.", advice)

    def _result(self, config: Config) -> ReadResult:
        for story in self.stories:
            for step in story.steps:
                if isinstance(step, ActionStep):
                    self.domain.add_e2e_action(step.text)
        for intent in dict.fromkeys(example.intent for example in self.nlu.examples if "/" in example.intent):
            self.domain.add_action(f"utter_{intent.partition('/')[0]}")
        domain = self.domain.domain()
        responses = {name: domain.responses[name] for name in self.answers if name in domain.responses}
        return ReadResult(
            TrainingData(domain, self.nlu.data(), tuple(self.stories), responses),
            config,
            self.reading.problems,
            tuple(self.reading.references),
            self.reading.declared,
            self.nlu.regex_marks,
            frozenset(self.reading.broken),
        )


def read_test_stories(path: Path | str, *, name: str | None = None) -> tuple[tuple[Story, ...], list[Problem]]:
    """Read test stories from one file, or from all `test_*.yml` of a folder.

    Returns:
        The stories and everything wrong with them.
    """
    start = Path(path)
    reading = Reading()
    stories: list[Story] = []
    for file in [start] if start.is_file() else [each for each in yaml_files([start]) if is_test(each)]:
        source = read_file(file, name or file.relative_to(start.parent).as_posix(), reading)
        root = reading.mapping(source.root, "The file") if source else None
        if root is not None:
            reading.unknown_keys(root, ("version", "stories"), "a file of test stories")
            stories += read_stories(root.get("stories"), reading)
    return tuple(stories), reading.problems
