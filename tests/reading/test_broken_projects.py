"""Every broken project is answered with file:line:column and advice; `expected.txt` says which.

A line of expected.txt: `file:line:column severity | fragment | fragment`. No other problem may be reported.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.training_data.project import MAX_PROJECT_BYTES, Project
from bot.training_data.validation import check
from bot.yaml.reader import MAX_NODES

BROKEN = sorted((Path(__file__).parent / "broken").iterdir())


@pytest.mark.parametrize("folder", BROKEN, ids=lambda folder: folder.name)
def test_broken_project_is_explained(folder: Path) -> None:
    start = time.perf_counter()
    problems = check(Project(folder), components=["TransformerClassifier"], policies=["RulePolicy"]).problems
    duration_s = time.perf_counter() - start
    expected = [line.split(" | ") for line in (folder / "expected.txt").read_text().splitlines()]
    assert [f"{each.mark} {each.severity}" for each in problems] == [place for place, *_ in expected]
    for problem, (_, *fragments) in zip(problems, expected, strict=True):
        assert all(fragment in str(problem) for fragment in fragments), (str(problem), fragments)
        assert problem.advice or "entity" in problem.text or "JSON" in problem.text
    assert duration_s < 2  # the bombs among them would take for ever, or all memory


def test_billion_laughs_is_refused_fast() -> None:
    folder = Path(__file__).parent / "broken" / "billion_laughs"
    start = time.process_time()
    check(Project(folder))
    assert time.process_time() - start < 0.1


def test_large_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_bytes(b"# " + b"x" * 10_000_000 + b"\nintents: []\n")
    (problem, *_) = check(Project(tmp_path)).errors
    assert str(problem) == "domain.yml:1:1: error: The file is larger than 10 MB. Split it into several files."


def test_large_project_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PROJECT_BYTES == 200_000_000
    monkeypatch.setattr("bot.training_data.project.MAX_PROJECT_BYTES", 2_000)
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "domain.yml").write_text("intents: [greet]\n")
    for number in range(3):
        (data / f"{number}.yml").write_bytes(b"# " + b"x" * 900 + b"\nnlu: []\n")
    problems = check(Project(tmp_path)).errors
    assert [str(problem.mark) for problem in problems] == ["data/2.yml:1:1"]
    assert "The project is larger than" in problems[0].text


def test_too_many_values_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_NODES == 1_000_000
    monkeypatch.setattr("bot.yaml.reader.MAX_NODES", 1_000)
    (tmp_path / "domain.yml").write_text("intents: [" + "a," * 1_001 + "]\n")
    assert "more than 1000 values" in check(Project(tmp_path)).errors[0].text


def test_unreadable_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text("intents: [greet]\n")
    missing = tmp_path / "missing.yml"
    (problem,) = check(Project(tmp_path, data=missing)).errors
    assert str(problem.mark) == "missing.yml:1:1"
    assert problem.text.startswith("The file can't be read")
