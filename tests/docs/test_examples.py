"""What the docs tell the reader to do is done here, with the docs' own text."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from bot.cli.main import main, parser

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"^```\w+\n# file: (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def write_examples(page: Path, project: Path) -> list[str]:
    """Put the page's example files into the project; returns their names."""
    files = FILE.findall(page.read_text())
    for name, text in files:
        (project / name).write_text(text)
    return [name for name, _ in files]


@pytest.mark.parametrize("page", ["tutorial.md", "how-to/custom-action.md"])
def test_examples_validate_train_and_pass(page: str, tmp_path: Path) -> None:
    project = str(tmp_path / "my_shop")
    assert main(["init", "--project", project]) == 0
    assert write_examples(ROOT / "docs" / page, Path(project))
    assert main(["validate", "--project", project, "--fail-on-warnings"]) == 0
    assert main(["train", "--project", project]) == 0
    assert main(["test", "--project", project]) == 0


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--project", str(tmp_path)]) == 0
    (tmp_path / "config.yml").write_text("mine")
    assert main(["init", "--project", str(tmp_path)]) == 1
    assert (tmp_path / "config.yml").read_text() == "mine"
    assert "config.yml" in capsys.readouterr().err


def verbs(of: argparse.ArgumentParser, name: str = "") -> list[tuple[str, argparse.ArgumentParser]]:
    found = []
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, sub in action.choices.items():
                found += [(f"{name}{verb}", sub), *verbs(sub, f"{name}{verb} ")]
    return found


def test_every_command_and_flag_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()
    missing = [verb for verb, _ in verbs(parser()) if f"`shoptalk {verb}" not in text and verb != "data"]
    flags = {o for _, sub in verbs(parser()) for a in sub._actions for o in a.option_strings if o.startswith("--")}
    missing += [flag for flag in sorted(flags - {"--help"}) if f"`{flag}" not in text]
    assert not missing, f"docs/reference.md lacks {missing}"


def test_links_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#]+)", prose):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken, "\n".join(broken)
