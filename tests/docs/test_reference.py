"""docs/reference.md names every setting that the code reads, and every setting that may be written is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.cli.settings import CREDENTIALS, ENDPOINTS, NOT_USED
from bot.nlu.table import COMPONENTS
from bot.policies.ensemble import POLICIES, STANDING_IN
from bot.shop.proof import CODE_VALID_S, MAX_FAILURES, MAX_MAILS, PROOF_VALID_S

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
NAMED = {word for code in re.findall(r"`([^`\n]+)`", REFERENCE) for word in re.findall(r"[\w-]+", code)}
SOURCES = {
    path: path.read_text()
    for room in ("bot", "connectors")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "training_data" not in path.parts  # reads what the merchant says, not settings
}
WIDGET = "\n".join(path.read_text() for path in sorted((ROOT / "connectors" / "web" / "widget").glob("*.js")))

READ = re.compile(r"""\b(?:_?settings|extra|section|shop|mail|section\(["']\w+["']\))\.get\(\s*["'](\w+)["']""")
"""How settings are read everywhere: `settings.get("key")`, `endpoints.section("ledger").get("url")`."""
ENVIRONMENT = re.compile(r"""environ(?:\.get\(|\[)\s*["']([A-Z_]+)["']""")
SET_BY_THE_PIPELINE = {"language"}
"""Stands at the top of config.yml and is handed to the component."""


def test_every_setting_that_the_code_reads_is_named() -> None:
    found = {key: path.name for path, text in SOURCES.items() for key in READ.findall(text)}
    assert len(found) > 30, "the way settings are read has changed: this test finds them no more"
    missing = {key: place for key, place in found.items() if key not in NAMED}
    assert not missing, f"docs/reference.md lacks {missing}"


@pytest.mark.parametrize("table", [ENDPOINTS, CREDENTIALS], ids=["endpoints", "credentials"])
def test_every_setting_that_may_be_written_is_read_and_named(table: dict[str, dict[str, str]]) -> None:
    read = {key for text in SOURCES.values() for key in READ.findall(text)}
    for section, keys in table.items():
        assert f"| `{section}` |" in REFERENCE
        assert set(keys) <= read, f"nobody reads {set(keys) - read} of {section}"
        assert set(keys) <= NAMED


def test_what_channels_and_services_read_may_be_written() -> None:
    """A key that is read but stands in no table would be refused at the start."""
    allowed = {key for table in (ENDPOINTS, CREDENTIALS) for keys in table.values() for key in keys}
    files = [ROOT / name for name in ("bot/config.py", "bot/shop/settings.py", "connectors/desk/opening.py")]
    files += [ROOT / "connectors" / name / "channel.py" for name in ("rest", "web")]
    read = {key for file in files for key in READ.findall(SOURCES[file])}
    assert read <= allowed


def test_every_environment_variable_is_named() -> None:
    found = {name for text in SOURCES.values() for name in ENVIRONMENT.findall(text)}
    assert {"SHOPTALK_PROJECT", "ACTION_SERVER_TOKEN"} <= found
    assert found <= NAMED


def test_every_component_and_policy_is_named() -> None:
    assert {*COMPONENTS, *POLICIES, *STANDING_IN} <= NAMED


def test_every_attribute_and_colour_of_the_widget_is_named() -> None:
    attributes = {re.sub(r"([A-Z])", r"-\1", name).lower() for name in re.findall(r"dataset\.(\w+)", WIDGET)}
    attributes -= {"server"}  # the loader's own message to the element
    colours = set(re.findall(r"--shoptalk-[a-z-]+", WIDGET))
    assert len(attributes) >= 4
    assert len(colours) == 4
    missing = [name for name in attributes if f"`data-{name}`" not in REFERENCE]
    missing += [name for name in colours if f"{name}:" not in REFERENCE]
    assert not missing


def test_every_section_without_effect_is_in_the_comparison() -> None:
    text = (ROOT / "docs" / "compatibility.md").read_text()
    missing = [name for name in NOT_USED if f"`{name}`" not in text]
    assert not missing


def test_limits_are_told_as_they_are() -> None:
    assert f"valid for {CODE_VALID_S / 60:.0f} minutes" in REFERENCE
    assert f"| {MAX_FAILURES} in one conversation, and {MAX_FAILURES} for one order" in REFERENCE
    assert f"| {MAX_MAILS} an hour |" in REFERENCE
    assert f"| {PROOF_VALID_S / 60:.0f} minutes, in its own conversation |" in REFERENCE
