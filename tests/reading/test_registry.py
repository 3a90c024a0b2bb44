"""Plug-ins by name: table, dotted path, entry point."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import RegistryError
from bot.registry import find, is_known, names

TABLE = {"Decoder": "json:JSONDecoder", "DIETClassifier": "json:JSONEncoder"}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path with a plug-in package, installed as pip would: with an entry point."""
    (tmp_path / "shop_plugin.py").write_text("class Speller:\n    pass\n\nspeller = 3\n")
    (tmp_path / "broken_plugin.py").write_text("import json\n\nraise ValueError('no licence')\n")
    info = tmp_path / "shop_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[shoptalk.component]\nSpeller = shop_plugin:Speller\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("shop_plugin", "broken_plugin"):
        sys.modules.pop(name, None)


def test_the_table_comes_first() -> None:
    assert find("component", "Decoder", TABLE) is json.JSONDecoder


def test_rasas_own_paths_count_by_their_last_part() -> None:
    assert find("component", "rasa.nlu.classifiers.diet_classifier.DIETClassifier", TABLE) is json.JSONEncoder


@pytest.mark.parametrize("path", ["shop_plugin.Speller", "shop_plugin:Speller"])
def test_dotted_paths(plugin: Path, path: str) -> None:
    assert find("component", path, {}).__name__ == "Speller"


def test_entry_points(plugin: Path) -> None:
    assert find("component", "Speller", TABLE).__module__ == "shop_plugin"
    assert names("component", TABLE) == ("DIETClassifier", "Decoder", "Speller")
    assert is_known("component", "Speller", {})
    with pytest.raises(RegistryError):
        find("policy", "Speller", {})


def test_a_miss_lists_the_known_and_the_nearest() -> None:
    with pytest.raises(RegistryError, match=r"no component named 'Decodr'. Did you mean 'Decoder'\?") as caught:
        find("component", "Decodr", TABLE)
    assert caught.value.known == ("DIETClassifier", "Decoder")
    assert not is_known("component", "Decodr", TABLE)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere.to.be.Found", "No module named 'nowhere'"),
        ("broken_plugin.Thing", r"ValueError: no licence \(.*broken_plugin.py:3\)"),
        ("shop_plugin.Speler", "no class 'Speler'. Did you mean 'Speller'"),
        ("shop_plugin.speller", "no class 'speller'"),
        (".Speller", "is not the path"),
        ("shop_plugin:", "is not the path"),
    ],
)
def test_what_cannot_be_imported_is_explained(plugin: Path, path: str, reason: str) -> None:
    with pytest.raises(RegistryError, match=reason):
        find("component", path, TABLE)
