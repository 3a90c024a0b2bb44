"""Which files a project has, its fingerprint, its speed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from bot.errors import ProjectError
from bot.training_data.project import Project, read
from bot.training_data.validation import check

PROJECTS = Path(__file__).parents[1] / "projects"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    shutil.copytree(PROJECTS / "moodbot", tmp_path / "shop")
    return tmp_path / "shop"


def test_files_are_found_in_their_usual_places(shop: Path) -> None:
    (shop / "nlu_data" / "more").mkdir(parents=True)
    (shop / "nlu_data" / "more" / "a.yaml").write_text("nlu: []\n")
    (shop / "data" / "test_extra.yml").write_text("stories: []\n")
    (shop / "data" / ".hidden.yml").write_text("nlu: []\n")
    project = Project(shop)
    assert [project.name_of(file) for file in project.data_files] == [
        "data/nlu.yml", "data/rules.yml", "data/stories.yml", "nlu_data/more/a.yaml",
    ]  # fmt: skip
    assert {project.name_of(file) for file in project.test_files} == {"tests/test_stories.yml", "data/test_extra.yml"}
    assert project.endpoints().action_endpoint is None
    assert "rest" in project.credentials().channels or not project.credentials().channels


def test_other_places_can_be_named(shop: Path, tmp_path: Path) -> None:
    shutil.move(shop / "domain.yml", tmp_path / "world.yml")
    shutil.move(shop / "config.yml", tmp_path / "settings.yml")
    result = read(Project(shop, domain=tmp_path / "world.yml", config=tmp_path / "settings.yml", data=[shop / "data"]))
    assert not result.errors
    assert "greet" in result.data.domain.intents


def test_fingerprint_follows_every_source(shop: Path) -> None:
    project = Project(shop)
    first = project.fingerprint()
    assert len(first) == 64
    assert Project(shop).fingerprint() == first
    (shop / "endpoints.yml").write_text("# not trained from\n")
    assert Project(shop).fingerprint() == first
    seen = {first}
    for name in ("domain.yml", "config.yml", "data/nlu.yml"):
        (shop / name).write_text((shop / name).read_text() + "# more\n")
        seen.add(Project(shop).fingerprint())
    (shop / "data" / "cities.txt").write_text("Rome\n")
    seen.add(Project(shop).fingerprint())
    (shop / "data" / "cities.txt").rename(shop / "data" / "towns.txt")
    seen.add(Project(shop).fingerprint())
    assert len(seen) == 6


def test_errors_can_be_raised_all_at_once(shop: Path) -> None:
    (shop / "data" / "bad.yml").write_text("rules:\n- rule: a\n  steps:\n  - intent: gret\n  - action: utter_gret\n")
    result = check(Project(shop))
    with pytest.raises(ProjectError) as caught:
        result.raise_errors()
    assert [str(problem.mark) for problem in caught.value.problems] == ["data/bad.yml:4:13", "data/bad.yml:5:13"]
    assert "Did you mean 'utter_greet'?" in str(caught.value)


def test_an_untouched_project_has_no_errors() -> None:
    for folder in sorted(PROJECTS.iterdir()):
        if (folder / "domain.yml").exists():
            assert check(Project(folder)).errors == [], folder.name


def test_the_demo_shop_has_no_problems() -> None:
    project = Project(Path(__file__).parents[2])
    if project.domain_files:
        assert [str(problem) for problem in check(project).errors] == []


def test_five_thousand_examples_are_read_in_about_a_second(tmp_path: Path) -> None:
    intents = [f"intent_{number}" for number in range(100)]
    blocks = [
        f"- intent: {intent}\n  examples: |\n"
        + "".join(f"    - sentence {n} of {intent} about [thing {n}](thing) and [stuff](thing:x)\n" for n in range(50))
        for intent in intents
    ]
    (tmp_path / "domain.yml").write_text(f"intents: [{', '.join(intents)}]\nentities: [thing]\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nlu.yml").write_text("nlu:\n" + "".join(blocks))
    start = time.process_time()
    result = check(Project(tmp_path))
    assert time.process_time() - start < 1.0
    assert len(result.data.nlu.examples) == 5_000
    assert result.errors == []


def test_endless_problems_are_cut_short(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text(
        "intents: [greet]\n" + "".join(f"key{number}: 1\n" for number in range(30_000))
    )
    start = time.process_time()
    problems = check(Project(tmp_path)).problems
    assert time.process_time() - start < 5
    assert len(problems) < 600
    assert any("the others are not listed" in problem.text for problem in problems)
