"""`init`, `train`, `validate`, `test`, `operator`, and how every command refuses."""

from __future__ import annotations

import io
import tarfile
import time
from pathlib import Path

import pytest

from tests.cli.terminal import LINK, refusal, shoptalk

STORY = """
stories:
  - story: goes wrong on purpose
    steps:
      - user: hello there, good morning
        intent: goodbye
      - action: utter_opening_hours
"""


def test_help_answers_at_once() -> None:
    """The best of several tries, for the machine may be busy with other tests."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert shoptalk("--help").returncode == 0
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


@pytest.mark.parametrize("verb", ["init", "train", "run", "shell", "validate", "data validate", "test", "operator"])
def test_every_command_explains_itself(verb: str) -> None:
    done = shoptalk(*verb.split(), "--help")
    assert done.returncode == 0
    assert "--project" in done.stdout


@pytest.mark.parametrize("verb", ["train", "run", "run actions", "shell", "validate", "test", "operator list"])
def test_a_missing_folder_is_told_and_not_made(verb: str, tmp_path: Path) -> None:
    assert "there is no folder" in refusal(*verb.split(), "--project", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("flag", ["config", "domain", "data", "endpoints", "credentials"])
def test_a_missing_file_is_told(flag: str, starter: Path) -> None:
    assert f"--{flag}: there is no file" in refusal("run", "--project", starter, f"--{flag}", "nosuch.yml")


def test_no_domain_is_told(tmp_path: Path) -> None:
    done = shoptalk("train", "--project", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no domain" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_mistakes_are_reported_before_anything_is_trained(shop: Path) -> None:
    (shop / "nlu_data" / "rules.yml").write_text(
        "rules:\n  - rule: one\n    steps:\n      - intent: greeet\n      - action: utter_gret\n  - rul: two\n"
    )
    (shop / "credentials.yml").write_text("web:\n  orgins: [https://a.example]\n")
    (shop / "endpoints.yml").write_text("desk:\n  timezone: Mars/Olympus\nnlu:\n  cache_size: many\n")
    done = shoptalk("validate", "--project", shop)
    assert done.returncode == 1
    assert "nlu_data/rules.yml:4:17: error: " in done.stdout
    assert "nlu_data/rules.yml:5:17: error: " in done.stdout
    assert "greet" in done.stdout
    assert "credentials.yml:2:3: error: `web:` has no setting 'orgins'" in done.stdout
    assert "endpoints.yml:4:15: error: " in done.stdout
    alias = shoptalk("data", "validate", "--project", shop)
    assert (alias.returncode, alias.stdout) == (1, done.stdout)
    trained = shoptalk("train", "--project", shop)
    assert trained.returncode == 1
    assert "nlu_data/rules.yml:4:17" in trained.stderr
    assert len(list((shop / "models").iterdir())) == 1


def test_warnings_fail_only_on_request(shop: Path) -> None:
    (shop / "endpoints.yml").write_text("tracker_store:\n  type: SQL\n")
    done = shoptalk("validate", "--project", shop)
    assert done.returncode == 0
    assert "endpoints.yml:1:1: warning: " in done.stdout
    assert shoptalk("validate", "--project", shop, "--fail-on-warnings").returncode == 1


def test_broken_yaml_has_a_place(shop: Path) -> None:
    (shop / "domain" / "broken.yml").write_text("intents:\n\t- a\n")
    done = shoptalk("validate", "--project", shop)
    assert done.returncode == 1
    assert "domain/broken.yml:2:1: error: " in done.stdout


def test_training_is_done_once(shop: Path, tmp_path: Path) -> None:
    done = shoptalk("train", "--project", shop)
    assert "Nothing has changed" in done.stdout
    out = tmp_path / "elsewhere"
    named = shoptalk("train", "--project", shop, "--out", out, "--fixed-model-name", "mine", "--force")
    assert named.returncode == 0
    assert "100%" in named.stderr
    assert [path.name for path in out.iterdir()] == ["mine.tar"]


def test_a_models_folder_that_is_a_file_is_told(shop: Path) -> None:
    line = refusal("train", "--project", shop, "--out", shop / "config.yml")
    assert "config.yml" in line


def test_stories_pass_and_fail(shop: Path, tmp_path: Path) -> None:
    story = tmp_path / "test_wrong.yml"
    story.write_text(STORY)
    assert "2 of 2 stories passed" in shoptalk("test", "core", "--project", shop).stdout
    done = shoptalk("test", "--project", shop, "--stories", story, "--out", tmp_path / "results")
    assert done.returncode == 1
    assert "test_wrong.yml:5:9: intent" in done.stdout
    assert "test_wrong.yml:7:9: action" in done.stdout
    assert "goes wrong on purpose" in (tmp_path / "results" / "failed_test_stories.txt").read_text()
    only = shoptalk("test", "nlu", "--project", shop, "--stories", story, "--out", tmp_path / "results").stdout
    assert ": intent" in only
    assert ": action" not in only
    assert "there is no file" in refusal("test", "--project", shop, "--stories", "nosuch.yml")


def _archive(path: Path, **members: bytes) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_files_that_are_no_model_are_told(shop: Path, starter: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (model,) = (starter / "models").iterdir()
    whole = model.read_bytes()
    tmp_path = tmp_path_factory.mktemp("files")
    (tmp_path / "empty.tar").write_bytes(b"")
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "garbage.tar").write_bytes(bytes(range(256)) * 40)
    _archive(tmp_path / "list.tar", model_json=b"[]", arrays_safetensors=b"x")
    _archive(tmp_path / "rasa.tar.gz", metadata_json=b"{}")
    for file in sorted(tmp_path.iterdir()):
        assert file.name in refusal("shell", "--project", starter, "--model", file)
    assert "there is no model" in refusal("shell", "--project", starter, "--model", tmp_path / "nowhere.tar")
    assert "empty.tar" in refusal("run", "--project", shop, "--port", 0, "--model", tmp_path / "empty.tar")


def test_operators_come_and_go(shop: Path) -> None:
    added = shoptalk(
        "operator", "add", "mei", "--display-name", "Mei 梅", "--url", "https://a.example/", "--project", shop
    )
    link = LINK.search(added.stdout)
    assert link
    assert link[1] == "https://a.example"
    assert "Mei 梅" in shoptalk("operator", "list", "--project", shop).stdout
    assert LINK.search(shoptalk("operator", "link", "mei", "--project", shop).stdout)
    assert shoptalk("operator", "disable", "mei", "--project", shop).returncode == 0
    assert "disabled" in shoptalk("operator", "list", "--project", shop).stdout
    assert "already" in refusal("operator", "add", "mei", "--project", shop)
    assert "no operator 'otto'" in refusal("operator", "link", "otto", "--project", shop)
    assert "operator add NAME" in refusal("operator", "add", "--project", shop)
    assert "no login name" in refusal("operator", "add", "Not A Name", "--project", shop)
