"""The actions through rasa_sdk's own executor, with the calls that an engine sends, in both languages."""

from __future__ import annotations

import email
import email.policy
import json
import logging
import re
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa_sdk.executor import ActionExecutor

from bot.execution.action_package import find_actions
from bot.shop.shop import Shop
from tests.shop.conftest import known

ROOT = Path(__file__).parents[2]
RESPONSES: dict[str, list[dict[str, Any]]] = yaml.safe_load((ROOT / "domain/actions.yml").read_text("utf-8"))[
    "responses"
]
FORMS = yaml.safe_load((ROOT / "domain/forms.yml").read_text("utf-8"))["forms"]
DELIVERED, PENDING, PROCESSED, CANCELLED = (
    known(status) for status in ("delivered", "pending", "processed", "cancelled")
)


@pytest.fixture(scope="module")
def executor() -> ActionExecutor:
    """With the shop's actions, whichever other project's package is called `actions` in this process."""
    found = ActionExecutor()
    for name, action in find_actions("actions", ROOT).items():
        found.register_function(name, action.run)
    return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SHOPTALK_PROJECT", str(tmp_path))
    yield tmp_path
    Shop.open().close()


class Talk:
    """A conversation as the engine keeps it: slots and events, sent with every call."""

    def __init__(self, executor: ActionExecutor, project: Path, *, language: str = "en", channel: str = "web") -> None:
        self.executor, self.project, self.language, self.channel = executor, project, language, channel
        self.sender = uuid.uuid4().hex
        self.slots: dict[str, Any] = {"language": language}
        self.events: list[dict[str, Any]] = []
        self.latest: dict[str, Any] = {}
        self.said: list[str] = []
        self.cards: list[dict[str, Any]] = []
        self.everything: list[dict[str, Any]] = []

    def hear(self, text: str, **entities: str) -> None:
        found = [{"entity": name, "value": value} for name, value in entities.items()]
        self.latest = {"text": text, "intent": {"name": "inform"}, "entities": found}
        event = {"event": "user", "text": text, "parse_data": self.latest, "input_channel": self.channel}
        self.events.append(event | {"message_id": uuid.uuid4().hex, "timestamp": 1.0})

    async def run(self, action: str, candidates: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """One call; slots and responses of its answer are kept, its events returned."""
        slots = self.slots | (candidates or {})
        events = [{"event": "slot", "name": name, "value": value} for name, value in (candidates or {}).items()]
        tracker = {"sender_id": self.sender, "slots": slots, "latest_message": self.latest, "paused": False}
        tracker |= {"events": self.events + events, "active_loop": {}, "latest_action_name": "action_listen"}
        call = {"next_action": action, "sender_id": self.sender, "tracker": tracker, "domain": {"forms": FORMS}}
        result = await self.executor.run(json.loads(json.dumps(call)))
        self.said, self.cards = [], []
        for message in result.responses:
            self.everything.append(message)
            if message["response"]:
                self.said.append(message["response"])
                check_response(message)
            if message["custom"]:
                self.cards.append(message["custom"]["card"])
        for event in result.events:
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
        return list(result.events)

    async def fill(self, form: str, text: str, **candidates: Any) -> str | None:
        """The shopper answers a form; the slot that is asked next."""
        self.hear(text)
        await self.run(f"validate_{form}", candidates)
        return self.slots["requested_slot"]

    def code(self) -> str:
        Shop.open()._mails.close()
        newest = max((self.project / "var/mailbox").glob("*.eml"))
        mail = email.message_from_bytes(newest.read_bytes(), policy=email.policy.default)
        return re.search(r"\d{6}", mail.get_content())[0]

    async def prove(self, order: Any = DELIVERED, *, form: str = "order_form", task: str = "status") -> None:
        self.slots["order_task"] = task
        assert await self.fill(form, order.number, order_number=order.number) == "order_contact"
        assert await self.fill(form, order.email, order_contact=order.email) == "one_time_code"
        assert self.said == ["utter_code_sent"]
        await self.fill(form, "code", one_time_code=self.code())
        assert "utter_proven" in self.said


def check_response(message: dict[str, Any]) -> None:
    """Every response exists in both languages and gets all its values."""
    variations = RESPONSES[message["response"]]
    assert [bool(variation.get("condition")) for variation in variations].count(True) >= 1, message["response"]
    for variation in variations:
        for name in re.findall(r"{(\w+)}", variation["text"]):
            assert message.get(name) not in (None, ""), f"{message['response']} lacks {name}"


@pytest.fixture(params=["en", "zh"])
def talk(executor: ActionExecutor, project: Path, request: pytest.FixtureRequest) -> Talk:
    return Talk(executor, project, language=request.param)


def test_all_actions_of_the_domain_are_there(executor: ActionExecutor) -> None:
    declared = yaml.safe_load((ROOT / "domain/forms.yml").read_text("utf-8"))["actions"]
    assert set(declared) - {"action_handoff"} <= set(executor.actions)


async def test_an_order_is_shown_to_its_owner(talk: Talk) -> None:
    await talk.prove()
    assert talk.slots["requested_slot"] is None
    assert talk.slots["order_contact"] is None
    await talk.run("action_order_answer")
    assert talk.said == ["utter_order_delivered"]
    (card,) = talk.cards
    assert DELIVERED.number in card["title"]
    assert {"kind", "title", "subtitle", "image", "status", "lines", "buttons"} == set(card)
    assert card["status"] == {"en": "delivered", "zh": "已送达"}[talk.language]


@pytest.mark.parametrize(
    ("order", "task", "response"),
    [
        (PENDING, "status", "utter_order_pending"), (PROCESSED, "status", "utter_order_processed"),
        (CANCELLED, "status", "utter_order_cancelled"), (PENDING, "shipment", "utter_shipment_none"),
        (PROCESSED, "shipment", "utter_shipment"), (PROCESSED, "items", "utter_order_items"),
        (CANCELLED, "refund", "utter_refund"), (PENDING, "refund", "utter_refund_none"),
        (PENDING, "cancel", "utter_cancel_possible"), (PROCESSED, "cancel", "utter_cancel_too_late"),
        (CANCELLED, "cancel", "utter_cancel_done"), (PENDING, "address", "utter_address_possible"),
        (DELIVERED, "address", "utter_address_too_late"), (DELIVERED, "invoice", "utter_invoice_by_human"),
    ],
)  # fmt: skip
async def test_every_question_about_an_order(
    executor: ActionExecutor, project: Path, order: Any, task: str, response: str
) -> None:
    for language in ("en", "zh"):
        talk = Talk(executor, project, language=language)
        await talk.prove(order, task=task)
        await talk.run("action_order_answer")
        assert talk.said == [response]


async def test_all_my_orders(talk: Talk) -> None:
    await talk.prove(known("delivered", 1), task="list")
    await talk.run("action_order_answer")
    assert talk.said[0] in ("utter_order_list", "utter_order_list_one")
    assert talk.everything[-1]["buttons"]
    talk.slots["order_number"] = None
    assert await talk.fill("order_form", "all my orders") is None, "a proved shopper needs no order number for this"


async def test_slot_injection_after_a_proof_shows_nothing(talk: Talk) -> None:
    await talk.prove()
    answers = []
    for number in (PENDING.number, "#W0000000"):
        for task in ("status", "items", "refund", "cancel", "invoice", "shipment", "address"):
            talk.slots |= {"order_number": number, "order_task": task, "proof_state": "proven", "one_time_code": "1"}
            before = len(talk.everything)
            await talk.run("action_order_answer")
            answers.append(json.dumps(talk.everything[before:]).replace(number, "N"))
    assert len(set(answers)) == 1
    assert talk.said == ["utter_order_not_found"]


async def test_injected_slots_without_a_proof_show_nothing(talk: Talk) -> None:
    talk.hear("/inform")
    talk.slots |= {"order_number": DELIVERED.number, "order_contact": DELIVERED.email, "one_time_code": "123456"}
    talk.slots |= {"proof_state": "proven", "order_task": "status", "return_confirmation": True}
    for action in ("action_order_answer", "action_submit_return"):
        await talk.run(action)
        assert talk.said == ["utter_order_unproven"]
        assert talk.cards == []


async def test_the_same_sender_of_another_channel_holds_no_proof(executor: ActionExecutor, project: Path) -> None:
    talk = Talk(executor, project)
    await talk.prove()
    talk.channel = "rest"
    talk.hear("status")
    await talk.run("action_order_answer")
    assert talk.said == ["utter_order_unproven"]


async def test_wrong_contact_and_unknown_order_look_alike(executor: ActionExecutor, project: Path) -> None:
    seen = []
    for number, contact in ((DELIVERED.number, "nobody@example.org"), ("#W0000000", DELIVERED.email)):
        talk = Talk(executor, project)
        await talk.fill("order_form", number, order_number=number)
        await talk.fill("order_form", contact, order_contact=contact)
        await talk.fill("order_form", "123456", one_time_code="123456")
        text = json.dumps([talk.everything, talk.slots], ensure_ascii=False)
        seen.append(text.replace(number, "N").replace(contact, "C"))
    assert seen[0] == seen[1]
    assert not (project / "var/mailbox").exists()


async def test_five_wrong_codes_lead_to_a_person(talk: Talk) -> None:
    await talk.fill("order_form", "x", order_number=DELIVERED.number)
    await talk.fill("order_form", "x", order_contact=DELIVERED.email)
    right = talk.code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(4):
        assert await talk.fill("order_form", "x", one_time_code=wrong) == "one_time_code"
        assert talk.said == ["utter_code_wrong"]
    assert await talk.fill("order_form", "x", one_time_code=wrong) is None
    assert talk.slots["proof_state"] == "locked"
    events = await talk.run("action_order_answer")
    assert talk.said == ["utter_order_locked"]
    assert events[-1]["event"] == "followup"
    assert events[-1]["name"] == "action_handoff"
    assert await talk.fill("order_form", "x", one_time_code=right) is None


async def test_unreadable_answers_are_asked_again(talk: Talk) -> None:
    assert await talk.fill("order_form", "x", order_number="12") == "order_number"
    assert talk.said == ["utter_order_number_invalid"]
    assert await talk.fill("order_form", "x", order_number="ｗ２６１１３４０") == "order_contact"
    assert talk.slots["order_number"] == "#W2611340"
    assert await talk.fill("order_form", "x", order_contact="my mail") == "order_contact"
    assert talk.said == ["utter_contact_invalid"]
    await talk.fill("order_form", "x", order_contact="me@example.org")
    assert await talk.fill("order_form", "x", one_time_code="what code?") == "one_time_code"
    assert talk.said == ["utter_code_format"]


async def test_what_was_typed_counts_more_than_a_clipped_entity(talk: Talk) -> None:
    await talk.fill("order_form", "x", order_number=DELIVERED.number)
    assert await talk.fill("order_form", f"it is {DELIVERED.email}!", order_contact="ava") == "one_time_code"
    assert talk.slots["order_contact"] == DELIVERED.email
    assert await talk.fill("order_form", "the code", one_time_code=talk.code()) is None


async def test_another_order_number_in_the_middle_asks_for_its_contact(talk: Talk) -> None:
    await talk.fill("order_form", "x", order_number=DELIVERED.number)
    await talk.fill("order_form", "x", order_contact=DELIVERED.email)
    assert await talk.fill("order_form", "x", order_number=PENDING.number) == "order_contact"


async def test_a_turn_that_is_run_twice_mails_and_counts_once(executor: ActionExecutor, project: Path) -> None:
    talk = Talk(executor, project)
    await talk.fill("order_form", "x", order_number=DELIVERED.number)
    talk.hear(DELIVERED.email)
    for _ in range(3):
        await talk.run("validate_order_form", {"order_contact": DELIVERED.email})
        assert talk.said == ["utter_code_sent"]
    talk.code()
    assert len(list((project / "var/mailbox").glob("*.eml"))) == 1
    talk.hear("000000")
    for _ in range(9):
        await talk.run("validate_order_form", {"one_time_code": "x000000" if talk.code() == "000000" else "000000"})
    assert talk.slots["proof_state"] != "locked"


async def test_a_return_is_recorded_once(talk: Talk) -> None:
    await talk.prove(form="return_form")
    assert talk.slots["requested_slot"] == "return_item"
    assert talk.said == ["utter_proven", "utter_return_items"]
    assert len(talk.everything[-1]["buttons"]) == 6
    assert await talk.fill("return_form", "sofa", return_item="sofa") == "return_item"
    assert talk.said == ["utter_return_item_unknown", "utter_return_items"]
    item = {"en": "the water bottle", "zh": "水瓶"}[talk.language]
    assert await talk.fill("return_form", item, return_item=item) == "return_reason"
    assert await talk.fill("return_form", "too big", return_reason="too big\x00") == "return_confirmation"
    assert await talk.fill("return_form", "yes", return_confirmation=True) is None
    kept = dict(talk.slots)
    numbers = set()
    for kind in ("return", "return"):
        talk.slots = kept | {"return_kind": kind}
        await talk.run("action_submit_return")
        assert talk.said == ["utter_return_recorded"]
        numbers.add(talk.everything[-1]["request_number"])
    assert len(numbers) == 1
    assert talk.slots["return_item"] is None
    with sqlite3.connect(talk.project / "var/shop.db") as connection:
        rows = connection.execute(
            "SELECT id, kind, customer_id, order_number, text FROM shop_service_request"
        ).fetchall()
    assert rows == [(*numbers, "return", DELIVERED.customer, DELIVERED.number, "too big")]


async def test_an_exchange_of_everything_and_a_change_of_mind(talk: Talk) -> None:
    await talk.prove(form="return_form")
    talk.slots["return_kind"] = "exchange"
    await talk.fill("return_form", "all", return_item="全部")
    await talk.fill("return_form", "x", return_reason="wrong size")
    await talk.fill("return_form", "x", return_confirmation=True)
    before = dict(talk.slots)
    await talk.run("action_submit_return")
    assert talk.said == ["utter_exchange_recorded"]
    talk.slots = before | {"return_confirmation": False}
    await talk.run("action_submit_return")
    assert talk.said == ["utter_return_dropped"]


@pytest.mark.parametrize("order", [PENDING, CANCELLED, PROCESSED])
async def test_only_delivered_orders_go_back(executor: ActionExecutor, project: Path, order: Any) -> None:
    talk = Talk(executor, project)
    await talk.prove(order, form="return_form")
    assert talk.slots["requested_slot"] is None
    talk.slots |= {"return_item": "all", "return_reason": "x", "return_confirmation": True}
    await talk.run("action_submit_return")
    assert talk.said == ["utter_return_not_delivered"]


async def test_a_complaint_gets_a_number(talk: Talk) -> None:
    talk.hear("x")
    await talk.run("validate_complaint_form", {"complaint_text": "no"})
    assert talk.said == ["utter_complaint_text_short"]
    await talk.run("validate_complaint_form", {"complaint_text": "我的包裹被压坏了"})
    await talk.run("validate_complaint_form", {"complaint_contact": "call me"})
    assert talk.said == ["utter_contact_invalid"]
    await talk.run("validate_complaint_form", {"complaint_contact": "１３８００００１１１１"})
    assert talk.slots["complaint_contact"] == "13800001111"
    await talk.run("action_submit_complaint")
    assert talk.said == ["utter_complaint_recorded"]
    assert talk.slots["complaint_text"] is None


@pytest.mark.parametrize(
    ("text", "entities", "response"),
    [
        ("do you have t-shirts", {"product": "t-shirts"}, "utter_product_in_stock"),
        ("有没有红色的T恤", {"product": "T恤", "color": "红色"}, "utter_product_variant_in_stock"),
        ("a pink laptop?", {"product": "laptop", "color": "pink"}, "utter_product_variant_unknown"),
        ("how much is a vacuum", {}, "utter_product_in_stock"),
        ("what do you sell", {}, "utter_product_which"),
        ("do you sell hedonz", {"product": "hedonz"}, "utter_product_unknown"),
        ("do you sell 宇宙飞船", {"product": "宇宙飞船"}, "utter_product_unknown_none"),
        ("/stock", {"product": "Notebook"}, "utter_product_in_stock"),
    ],
)
async def test_products(talk: Talk, text: str, entities: dict[str, str], response: str) -> None:
    talk.hear(text, **entities)
    await talk.run("action_product_info")
    assert talk.said == [response]
    assert bool(talk.cards) == ("product_in" in response or "variant" in response)


async def test_a_colour_after_a_product_is_about_that_product(talk: Talk) -> None:
    talk.hear("T恤", product="T恤")
    await talk.run("action_product_info")
    talk.hear("in blue?", color="blue")
    await talk.run("action_product_info")
    assert talk.said == ["utter_product_variant_in_stock"]
    assert talk.everything[-2]["product_name"] == {"en": "T-Shirt", "zh": "T恤"}[talk.language]


async def test_a_broken_database_is_owned_up_to(
    executor: ActionExecutor, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    talk = Talk(executor, project)
    await talk.prove()
    with sqlite3.connect(project / "var/shop.db") as connection:
        connection.execute("ALTER TABLE shop_proof RENAME TO gone")
        connection.execute("ALTER TABLE shop_code_request RENAME TO gone_too")
    for action in ("action_order_answer", "action_submit_return"):
        await talk.run(action)
        assert talk.said == ["utter_shop_unavailable"]
    talk.slots |= {"order_contact": None}
    talk.hear(DELIVERED.email)
    await talk.run("validate_order_form", {"order_contact": DELIVERED.email})
    assert set(talk.said) == {"utter_shop_unavailable"}
    assert talk.slots["order_contact"] is None
    assert DELIVERED.email not in caplog.text


async def test_logs_hold_no_personal_data(
    executor: ActionExecutor, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    talk = Talk(executor, project)
    await talk.prove()
    code = talk.code()
    await talk.run("action_order_answer")
    for secret in (DELIVERED.email, code, DELIVERED.number, "San Antonio", "Cedar Street"):
        assert secret not in caplog.text


async def test_odd_senders_are_served(executor: ActionExecutor, project: Path) -> None:
    talk = Talk(executor, project)
    talk.sender = "🙂'\"; DROP TABLE shop_proof; --\x00" + "x" * 3000
    await talk.prove()
    await talk.run("action_order_answer")
    assert talk.said == ["utter_order_delivered"]


def test_every_text_has_both_languages() -> None:
    for name, variations in RESPONSES.items():
        plain = [variation for variation in variations if not variation.get("condition")]
        chinese = [variation for variation in variations if variation.get("condition")]
        assert plain, name
        assert chinese, name
        holes = {frozenset(re.findall(r"{(\w+)}", variation["text"])) for variation in variations}
        assert len(holes) == 1, name
        buttons = {tuple(button["payload"] for button in variation.get("buttons", ())) for variation in variations}
        assert len(buttons) == 1, name
    words = yaml.safe_load((ROOT / "actions/words.yml").read_text("utf-8"))
    assert set(words["en"]) == set(words["zh"])
