"""`shoptalk run` and `shoptalk run actions`: what is served, and what stops the start."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from tests.cli.terminal import LINK, Served, refusal, shoptalk

WRONG = "Cuisine type is not in the database, please try again"


def test_the_starter_is_served(shop: Path) -> None:
    with Served("--project", shop) as site:
        assert site.get("/health") == (200, {"status": "ok"})
        assert site.get("/ready") == (200, {"status": "ready"})
        assert site.say("hello")[0] == "Hello! How can I help you?"
        assert site.say("你好", "li")[0].startswith("您好")
        assert site.get("/version")[0] == 404
        second = refusal("run", "--project", shop, "--port", 0)
        assert "another process serves" in second
        taken = refusal("run", "--project", shutil.copytree(shop, shop.parent / "other"), "--port", site.port)
        assert f"port {site.port} of 127.0.0.1 can't be used" in taken
    assert site.process.returncode == 0
    assert "Traceback" not in site.output
    assert f"{site.url}/desk" in site.output
    assert LINK.search(site.output)


def test_flags_choose_model_settings_and_api(shop: Path, tmp_path: Path) -> None:
    model = next((shop / "models").iterdir()).rename(tmp_path / "chosen.tar")
    (tmp_path / "endpoints.yml").write_text(f"ledger:\n  url: sqlite:///{tmp_path}/own.db\n")
    (tmp_path / "credentials.yml").write_text("rest:\n  token: a-token-for-tests\n")
    flags = ["--model", model, "--endpoints", tmp_path / "endpoints.yml", "--credentials", tmp_path / "credentials.yml"]
    with Served("--project", shop, *flags, "--enable-api", "--auth-token", "secret") as site:
        assert site.get("/webhooks/rest/webhook", {"sender": "b", "message": "hello"})[0] == 401
        trusted = site.get("/webhooks/rest/webhook?token=a-token-for-tests", {"sender": "b", "message": "/goodbye"})
        assert trusted[1][0]["text"] == "Goodbye, and come again!"
        assert site.get("/widget.js")[0] == 404
        assert site.get("/version")[1]["version"] == "3.6.21"
        assert site.get("/status")[0] == 401
        assert site.get("/status?token=secret")[1]["model_file"] == "chosen.tar"
        assert site.get("/conversations/anna/tracker?token=secret")[1]["sender_id"] == "anna"
        assert site.get("/model/parse?token=secret", {"text": "hello"})[1]["intent"]["name"] == "greet"
    assert (tmp_path / "own.db").exists()
    assert not (shop / "var" / "ledger.db").exists()


def test_a_form_validated_by_an_action_server(formbot: Path) -> None:
    with Served("actions", "--project", formbot) as actions:
        assert {"name": "validate_restaurant_form"} in actions.get("/actions")[1]
        (formbot / "endpoints.yml").write_text(f"action_endpoint:\n  url: {actions.url}/webhook\n")
        with Served("--project", formbot) as site:
            assert site.say("im looking for a restaurant") == ["What cuisine?"]
            assert site.say("afghan food") == [WRONG, "What cuisine?"]
            assert site.say("mexican food") == ["How many people?"]
        assert site.process.returncode == 0
    assert actions.process.returncode == 0
    assert "Traceback" not in actions.output


def test_an_action_server_that_is_gone_is_told_to_the_shopper(formbot: Path) -> None:
    (formbot / "endpoints.yml").write_text("action_endpoint:\n  url: http://127.0.0.1:9/webhook\n")
    with Served("--project", formbot) as site:
        site.say("im looking for a restaurant")
        assert any("person" in text for text in site.say("mexican food"))
        assert site.say("hello", "someone else")
    assert "Traceback" not in site.output


def test_what_stops_the_start_is_told_in_a_line(shop: Path) -> None:
    shutil.rmtree(shop / "var", ignore_errors=True)
    (shop / "var").write_text("in the way")
    assert "var" in refusal("run", "--project", shop, "--port", 0)
    assert "var" in refusal("operator", "list", "--project", shop)
    (shop / "endpoints.yml").write_text("ledger:\n  url: mysql://localhost/shop\n")
    assert "postgresql://" in refusal("run", "--project", shop, "--port", 0)
    (shop / "endpoints.yml").write_text("ledger:\n  url: postgresql://nobody@127.0.0.1:9/shop\n")
    assert "127.0.0.1" in refusal("run", "--project", shop, "--port", 0)
    assert "is no port" in shoptalk("run", "--project", shop, "--port", 70000).stderr


def test_settings_are_checked_before_serving(shop: Path) -> None:
    (shop / "endpoints.yml").write_text("action_endpoint:\n  url: ${NOBODY_SET_THIS}\n")
    (shop / "credentials.yml").write_text("wbe:\n")
    done = shoptalk("run", "--project", shop, "--port", 0)
    assert done.returncode == 1
    assert "endpoints.yml:2:8: error: The environment variable NOBODY_SET_THIS is not set" in done.stderr
    (shop / "endpoints.yml").unlink()
    done = shoptalk("run", "--project", shop, "--port", 0)
    assert done.returncode == 1
    assert "credentials.yml:1:1: error: There is no channel named 'wbe'" in done.stderr


def test_actions_that_do_not_load_have_a_place(shop: Path) -> None:
    (shop / "actions" / "hello.py").write_text("import nothing_of_that_name\n")
    for words in (["run", "--port", 0], ["run", "actions", "--port", 0]):
        done = shoptalk(*words, "--project", shop)
        assert done.returncode == 1
        assert "actions/hello.py:1:1: error: " in done.stderr
        assert "Traceback" not in done.stderr
    shutil.rmtree(shop / "actions")
    assert "has no custom actions" in refusal("run", "actions", "--project", shop)


def test_a_taken_port_of_the_action_server_is_told(shop: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in refusal("run", "actions", "--project", shop, "--port", port)
