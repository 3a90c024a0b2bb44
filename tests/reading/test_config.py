"""config.yml, endpoints.yml, credentials.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import read_credentials, read_endpoints
from bot.errors import ProjectError
from bot.training_data.project import Project, read

PROJECTS = Path(__file__).parents[1] / "projects"


def test_config_keeps_every_key() -> None:
    config = read(Project(PROJECTS / "rules")).config
    assert (config.recipe, config.language, config.assistant_id) == ("default.v1", "en", "rules_bot")
    assert [component.name for component in config.pipeline][:2] == [
        "WhitespaceTokenizer",
        "LexicalSyntacticFeaturizer",
    ]
    assert config.pipeline[2].settings == {"token_pattern": r"(?u)\b\w+\b"}
    assert str(config.pipeline[2].mark) == "config.yml:8:11"
    assert config.policies[0].settings["enable_fallback_prediction"] is True


def test_an_empty_pipeline_leaves_the_choice(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("language: zh\npipeline:\npolicies: null\nwhatever: {a: 1}\n")
    result = read(Project(tmp_path))
    assert (result.config.language, result.config.pipeline, result.config.policies) == ("zh", (), ())
    assert result.config.extra == {"whatever": {"a": 1}}
    assert "'whatever' is not known in config.yml" in result.problems[0].text


def test_variables_are_expanded_in_endpoints(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.yml"
    file.write_text(
        "action_endpoint:\n  url: http://${HOST}:5055/webhook\n  token: ${TOKEN}\n  timeout: 3\n  cafile: x\n"
        "mail:\n  smtp: {host: '${HOST}', port: 25}\nshop:\ndesk: {hours: [a, '${HOST}']}\n"
    )
    endpoints = read_endpoints(file, environment={"HOST": "localhost", "TOKEN": "00123"})
    assert endpoints.action_endpoint is not None
    assert endpoints.action_endpoint.url == "http://localhost:5055/webhook"
    assert endpoints.action_endpoint.token == "00123"
    assert endpoints.action_endpoint.timeout_s == 3
    assert endpoints.action_endpoint.extra == {"cafile": "x"}
    assert endpoints.section("mail") == {"smtp": {"host": "localhost", "port": 25}}
    assert endpoints.section("desk") == {"hours": ["a", "localhost"]}
    assert endpoints.section("shop") == {}
    assert endpoints.section("nothing") == {}


def test_a_missing_variable_is_named_and_no_value_shown(tmp_path: Path) -> None:
    file = tmp_path / "credentials.yml"
    file.write_text("rest:\ntelegram:\n  token: ${SET}${UNSET}\n")
    with pytest.raises(ProjectError) as caught:
        read_credentials(file, environment={"SET": "secret"})
    assert "credentials.yml:3:10: error: The environment variable UNSET is not set." in str(caught.value)
    assert "secret" not in str(caught.value)


def test_credentials_keep_order_and_empty_channels(tmp_path: Path) -> None:
    file = tmp_path / "credentials.yml"
    file.write_text("web: {a: 1}\nrest:\nmy.module.Channel: {b: [1]}\n")
    assert list(read_credentials(file).channels.items()) == [
        ("web", {"a": 1}),
        ("rest", {}),
        ("my.module.Channel", {"b": [1]}),
    ]


@pytest.mark.parametrize(
    "text",
    ["- rest\n", "rest: [1]\n", "rest: {\n", "rest: &a [*a]\n"],
)
def test_broken_credentials_are_explained(tmp_path: Path, text: str) -> None:
    file = tmp_path / "credentials.yml"
    file.write_text(text)
    with pytest.raises(ProjectError, match=r"credentials.yml:\d+:\d+: error"):
        read_credentials(file)


@pytest.mark.parametrize("endpoint", ["{}", "{url: 5}", "{url: 'ftp://x'}", "{url: 'http://x', timeout: soon}",
                                      "{url: 'http://x', timeout: -1}", "{url: 'http://x', headers: [a]}"])  # fmt: skip
def test_broken_action_endpoints_are_explained(tmp_path: Path, endpoint: str) -> None:
    file = tmp_path / "endpoints.yml"
    file.write_text(f"action_endpoint: {endpoint}\n")
    if endpoint == "{}":
        assert read_endpoints(file).action_endpoint is None
        return
    with pytest.raises(ProjectError, match=r"endpoints.yml:1:1: error: .*action_endpoint"):
        read_endpoints(file)


def test_absent_files_are_empty(tmp_path: Path) -> None:
    assert read_endpoints(None).sections == {}
    assert read_credentials(tmp_path / "none.yml").channels == {}


def test_variables_are_not_expanded_in_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "value")
    (tmp_path / "config.yml").write_text("assistant_id: ${SECRET}\n")
    assert read(Project(tmp_path)).config.assistant_id == "${SECRET}"
