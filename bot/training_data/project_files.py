"""A merchant's folder: which files it has, found by name; nothing is parsed here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bot.config import Credentials, Endpoints, read_credentials, read_endpoints

_SUFFIXES = (".yml", ".yaml")
_TEST_PREFIX = "test_"


class Project:
    """Where a project's files are; reads none of them until asked.

    Args:
        path: the folder.
        config: config file, if not `config.yml`; relative to the current folder, like the next two.
        domain: domain file or folder, if not `domain.yml` or `domain/`.
        data: files or folders of training data, if not `data/` and `nlu_data/`.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        config: Path | str | None = None,
        domain: Path | str | None = None,
        data: Path | str | Sequence[Path | str] | None = None,
    ) -> None:
        self.path = Path(path)
        self.config_file = Path(config) if config else self._first("config.yml", "config.yaml")
        self.endpoints_file = self._first("endpoints.yml", "endpoints.yaml")
        self.credentials_file = self._first("credentials.yml", "credentials.yaml")
        self.actions = self._first("actions", "actions.py")
        self._domain = [Path(domain)] if domain else self._all("domain.yml", "domain.yaml", "domain")
        given = [data] if isinstance(data, (str, Path)) else data
        self._data = [Path(each) for each in given] if given else self._all("data", "nlu_data")

    def _all(self, *names: str) -> list[Path]:
        return [self.path / name for name in names if (self.path / name).exists()]

    def _first(self, *names: str) -> Path | None:
        return next(iter(self._all(*names)), None)

    @property
    def domain_files(self) -> tuple[Path, ...]:
        return tuple(yaml_files(self._domain))

    @property
    def data_files(self) -> tuple[Path, ...]:
        """Training files; test stories (`test_*.yml`) are none, wherever they stand."""
        taken = set(self.domain_files)
        return tuple(file for file in yaml_files(self._data) if not is_test(file) and file not in taken)

    @property
    def test_files(self) -> tuple[Path, ...]:
        """Test stories: `test_*.yml` in `tests/` (not in folders below it) or anywhere in the training data."""
        direct = [file for file in sorted((self.path / "tests").glob("*")) if file.is_file()]
        return tuple(file for file in yaml_files([*direct, *self._data]) if is_test(file))

    def name_of(self, file: Path) -> str:
        """The file as problems call it: its path within the project, where it is within."""
        try:
            return file.resolve().relative_to(self.path.resolve()).as_posix()
        except ValueError:
            return file.as_posix()

    def fingerprint(self) -> str:
        """SHA-256 over names and bytes of all that a model is trained from (also lookup files); hexadecimal."""
        found = [*([self.config_file] if self.config_file else []), *_files(self._domain), *_files(self._data)]
        total = hashlib.sha256()
        for file in sorted(set(found)):
            content = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "-"
            total.update(f"{self.name_of(file)}\0{content}\n".encode())
        return total.hexdigest()

    def endpoints(self) -> Endpoints:
        """Read endpoints.yml; raises ProjectError with every problem."""
        return read_endpoints(self.endpoints_file)

    def credentials(self) -> Credentials:
        """Read credentials.yml; raises ProjectError with every problem."""
        return read_credentials(self.credentials_file)


def _files(starts: Iterable[Path]) -> Iterator[Path]:
    """All files below the starts, sorted, without hidden ones."""
    for start in starts:
        if not start.is_dir():
            yield start
            continue
        for file in sorted(start.rglob("*")):
            hidden = any(part.startswith((".", "__pycache__")) for part in file.relative_to(start).parts)
            if not hidden and file.is_file():
                yield file


def yaml_files(starts: Iterable[Path]) -> Iterator[Path]:
    """YAML files below the starts, each once, sorted within a start."""
    yield from dict.fromkeys(file for file in _files(starts) if file.suffix in _SUFFIXES)


def is_test(file: Path) -> bool:
    """Whether the file holds test stories, by Rasa's naming."""
    return file.name.startswith(_TEST_PREFIX)
