"""Small projects, each trained once by the command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal import shoptalk

PROJECTS = Path(__file__).parents[1] / "projects"

FORM_ACTIONS = """
from rasa_sdk import FormValidationAction


class ValidateRestaurantForm(FormValidationAction):
    def name(self):
        return "validate_restaurant_form"

    def validate_cuisine(self, value, dispatcher, tracker, domain):
        if value.lower() in ("chinese", "mexican"):
            return {"cuisine": value}
        dispatcher.utter_message(response="utter_wrong_cuisine")
        return {"cuisine": None}
"""


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `shoptalk init` writes, trained. Tests leave it as it is."""
    project = tmp_path_factory.mktemp("starter")
    assert shoptalk("init", "--project", project).returncode == 0
    assert shoptalk("train", "--project", project).returncode == 0
    return project


@pytest.fixture
def shop(starter: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(starter, tmp_path / "shop"))


@pytest.fixture(scope="session")
def formbot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rasa's own example, with validation in Python."""
    project = tmp_path_factory.mktemp("formbot") / "formbot"
    shutil.copytree(PROJECTS / "formbot", project)
    (project / "actions").mkdir()
    (project / "actions" / "__init__.py").write_text(FORM_ACTIONS)
    assert shoptalk("train", "--project", project).returncode == 0
    return project
