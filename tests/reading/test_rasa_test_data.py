"""Rasa's own test files: what Rasa reads we read, and what it refuses we explain."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.training_data.project import Project, read

ROOT = Path(__file__).parents[1] / "projects" / "rasa_test_data"
FILES = sorted([*ROOT.rglob("*.yml"), *ROOT.rglob("*.yaml")])
REFUSED = {
    "duplicate_responses.yml": "stands here twice",
    "domain_invalid.yml": "stands here twice",
    "invalid_format.yml": "colon is missing",
    "missing_text_for_templates.yml": "must have keys",
    "wrong_custom_response_format.yml": "shows nothing",
    "wrong_response_format.yml": "must have keys",
    "rules_missing_intent.yml": "The intent of a step",
    "stories_missing_intent.yml": "The intent of a step",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_file_is_read_or_explained(file: Path, tmp_path: Path) -> None:
    is_domain = file.is_relative_to(ROOT / "domains")
    (tmp_path / "domain.yml").write_text("intents: []\n")
    # A neutral name: a file named test_... would count as test stories.
    copy = tmp_path / ("world.yml" if is_domain else "data.yml")
    copy.write_bytes(file.read_bytes())
    result = read(Project(tmp_path, domain=copy) if is_domain else Project(tmp_path, data=copy))
    errors = [problem.text for problem in result.errors]
    if file.name in REFUSED:
        assert any(REFUSED[file.name] in text for text in errors)
    else:
        assert errors == []
