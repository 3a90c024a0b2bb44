"""One message in, one Turn out: sessions, trust, hand-off, caps, replay."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Domain, Entity, Intent
from bot.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from bot.execution.command import parse_command
from bot.messages import InboundMessage
from bot.nlu.component import ParseResult
from tests.execution.shop_bot import SHOP, Talk, agent_with, endpoint_of, shape, texts, trained

T0 = 1_800_000_000.0


def count(turn: Any, kind: type) -> int:
    return sum(isinstance(event, kind) for event in turn.events)


async def test_the_same_turn_again_is_equal() -> None:
    """Also its times and random choices, so that a turn tried again after a crash says the same."""
    found = []
    for _ in range(2):
        talk = Talk(agent_with(None))
        talk.history = [SlotSet(name="colour", value="red", timestamp=T0)]
        found.append([await talk.say("/greet", at=T0 + 1), await talk.say("/question", at=T0 + 2)])
    assert found[0] == found[1]


async def test_times_rise_strictly_from_the_moment_of_acceptance() -> None:
    talk = Talk(agent_with(None))
    await talk.say("/greet", at=T0)
    await talk.say("/greet", at=T0)  # the clock of the database may stand still
    times = [event.timestamp or 0 for event in talk.history]
    assert times[0] == T0
    assert all(a < b for a, b in itertools.pairwise(times))
    assert times[-1] < T0 + 0.001


async def test_events_carry_model_and_assistant() -> None:
    turn = await Talk(agent_with(None)).say("/greet")
    assert {tuple(sorted(event.metadata.items()))[:2] for event in turn.events if event.type != "bot"} == {
        (("assistant_id", "execution_shop"), ("model_id", "m"))
    }
    assert turn.messages[0].metadata == {"utter_action": "utter_greet"}


async def test_session_expires_after_the_silence_of_the_domain() -> None:
    talk = Talk(agent_with(None))
    await talk.say('/inform{"number": "123456"}', at=T0)
    await talk.say("/greet", at=T0 + 1)
    assert count(await talk.say("/greet", at=T0 + 3600), SessionStarted) == 0
    talk.history.append(SlotSet(name="colour", value="red", timestamp=T0 + 3601))
    turn = await talk.say("/greet", at=T0 + 2 * 3600 + 5)
    assert count(turn, SessionStarted) == 1
    assert shape(turn.events)[:3] == ["action action_session_start", "session_started", "slot colour red"]
    assert talk.slots["colour"] == "red"


async def test_session_metadata_is_kept_as_in_rasa() -> None:
    talk = Talk(agent_with(None))
    message = InboundMessage("1", "ana", "web", "/greet", trusted=True, metadata={"a": 1, "accepted_at": T0})
    turn = await talk.agent.handle(talk.agent.tracker("ana"), message)
    assert shape(turn.events)[:4] == [
        "slot session_started_metadata {'a': 1}", "action action_session_start", "session_started",
        "slot session_started_metadata {'a': 1}",
    ]  # fmt: skip
    user = next(event for event in turn.events if isinstance(event, UserUttered))
    assert user.parse_data["metadata"] == {"a": 1}
    assert user.message_id == "1"


@pytest.mark.parametrize("text", ["/restart", "/back", "/greet", '/inform{"number": "123456"}', "/action_handoff"])
async def test_commands_of_strangers_are_plain_text(text: str) -> None:
    turn = await Talk(agent_with(None)).say(text, trusted=False)
    user = next(event for event in turn.events if isinstance(event, UserUttered))
    assert user.intent == "nlu_fallback"
    assert turn.status is None
    assert texts(turn) == ["I did not get that."]


async def test_unknown_command_is_parsed_as_text() -> None:
    turn = await Talk(agent_with(None)).say("/no_such_intent")
    assert next(event for event in turn.events if isinstance(event, UserUttered)).intent == "nlu_fallback"


async def test_prediction_loop_stops_after_ten_actions_and_the_bot_still_answers() -> None:
    talk = Talk(agent_with(None))
    turn = await talk.say("/loop")
    assert texts(turn) == ["again"] * 10
    assert isinstance(turn.events[-1], ActionExecuted)
    assert turn.events[-1].name == "action_listen"
    assert texts(await talk.say("/greet")) == ["Hello"]


async def test_cap_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_NUMBER_OF_PREDICTIONS", "3")
    assert len((await Talk(agent_with(None)).say("/loop")).messages) == 3


async def test_followup_action_and_pause() -> None:
    async with endpoint_of("here") as endpoint:
        talk = Talk(agent_with(endpoint))
        turn = await talk.say("/chain")
        assert texts(turn)[0] == "We deliver everywhere."
        chosen = next(e for e in turn.events if isinstance(e, ActionExecuted) and e.name == "utter_answer")
        assert (chosen.policy, chosen.confidence) == ("followup_action", 1.0)
        await talk.say("/pause")
        silent = await talk.say("/greet")
        assert (texts(silent), shape(silent.events)) == ([], ["user /greet"])
        assert count(await talk.say("/restart"), SessionStarted) == 1
        assert texts(await talk.say("/greet")) == ["Hello"]


async def test_restart_and_back() -> None:
    talk = Talk(agent_with(None))
    await talk.say('/inform{"number": "123456"}')
    await talk.say("/question")
    turn = await talk.say("/back")
    assert shape(turn.events)[-3:] == ["rewind", "rewind", "action action_listen"]
    await talk.say("/restart")
    assert talk.slots["order_number"] is None


# Variations


async def test_channel_variation_wins_and_conditions_are_checked() -> None:
    assert texts(await Talk(agent_with(None), channel="web").say("/greet")) == ["Hello on the web"]
    talk = Talk(agent_with(None))
    talk.history = [SlotSet(name="language", value="xx", timestamp=time.time())]
    assert texts(await talk.say("/greet")) == ["Hello {name}"]  # there is no slot `name`: said as written


# Hand-off


@pytest.mark.parametrize(
    ("availability", "english", "chinese"),
    [("present", "handing you over", "正在为您转接"), ("absent", "None of my colleagues", "没有空闲"),
     ("closed", "out of office", "不是人工客服的工作时间")],
)  # fmt: skip
async def test_handoff_says_who_is_there_in_the_shoppers_language(
    availability: Any, english: str, chinese: str
) -> None:
    for language, words, title in (("en", english, "Back to the bot"), ("zh", chinese, "返回机器人")):
        talk = Talk(agent_with(None))
        talk.history = [SlotSet(name="language", value=language, timestamp=time.time())]
        turn = await talk.say("/human", availability=availability)
        assert turn.status == "queued"
        assert words in (turn.messages[0].text or "")
        assert turn.messages[0].buttons == ({"title": title, "payload": "/back_to_bot"},)
        assert turn.events[-1].to_json()["name"] == "action_listen"


async def test_both_languages_where_none_is_known() -> None:
    text = (await Talk(agent_with(None)).say("/human")).messages[0].text or ""
    assert "handing you over" in text
    assert "正在为您转接" in text


async def test_bot_is_silent_while_queued_or_human() -> None:
    for status in ("queued", "human"):
        talk = Talk(agent_with(None))
        await talk.say("/greet")
        talk.status = status
        turn = await talk.say("where is it??", trusted=False)
        assert (texts(turn), shape(turn.events), turn.status) == ([], ["user where is it??"], None)
        turn = await talk.say("/greet")
        assert (texts(turn), turn.status) == ([], None)


@pytest.mark.parametrize(
    ("text", "trusted"), [("/back_to_bot", True), ("返回机器人", False), ("Back to the bot ", False)]
)
async def test_waiting_shopper_goes_back_to_the_bot(text: str, trusted: bool) -> None:
    talk = Talk(agent_with(None, language="en"))
    await talk.say("/human")
    turn = await talk.say(text, trusted=trusted)
    assert turn.status == "bot"
    assert len(turn.messages) == 1
    assert texts(await talk.say("/greet")) == ["Hello"]


async def test_back_is_not_for_strangers_nor_while_a_human_answers() -> None:
    talk = Talk(agent_with(None))
    await talk.say("/human")
    assert (await talk.say("/back_to_bot", trusted=False)).status is None
    talk.status = "human"
    assert (await talk.say("/back_to_bot")).status is None


async def test_handback_asks_the_open_question_of_a_form_and_the_form_goes_on() -> None:
    async with endpoint_of("here") as endpoint:
        talk = Talk(agent_with(endpoint))
        await talk.say('/track{"number": "123456"}')
        talk.status = "human"
        await talk.say("hello? anyone?", trusted=False)
        talk.status = "bot"
        turn = await talk.say("", kind="handback")
        assert texts(turn) == ["Which colour?"]
        assert count(turn, UserUttered) == 0
        assert texts(await talk.say("blue", trusted=False)) == ["123456 in blue, None"]


async def test_handback_without_a_form_says_so_and_policies_go_on() -> None:
    talk = Talk(agent_with(None, language="en"))
    await talk.say("/human")
    talk.status = "human"
    await talk.say("thanks", trusted=False)
    talk.status = "bot"
    assert texts(await talk.say("", kind="handback")) == ["You're back with the bot. How else can I help you?"]
    assert texts(await talk.say("/question")) == ["We deliver everywhere."]


async def test_late_handback_is_void_when_another_operator_has_taken_over() -> None:
    talk = Talk(agent_with(None))
    await talk.say("/greet")
    talk.status = "human"
    turn = await talk.say("", kind="handback")
    assert (turn.events, turn.messages, turn.status) == ((), (), None)


async def test_resolved_conversation_starts_a_new_session_with_the_bot() -> None:
    talk = Talk(agent_with(None))
    await talk.say("/greet", at=T0)
    talk.status = "resolved"
    turn = await talk.say("/greet", at=T0 + 5)
    assert (count(turn, SessionStarted), turn.status, texts(turn)) == (1, "bot", ["Hello"])
    talk.status = "resolved"
    assert (await talk.say("/human", at=T0 + 9)).status == "queued"


# Commands

DOMAIN = Domain(intents={"greet": Intent("greet"), "faq": Intent("faq")}, entities={"a": Entity("a")})


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_any_text_is_a_command_or_none(text: str) -> None:
    found = parse_command("/greet" + text, DOMAIN)
    assert found is None or found["intent"]["name"] == "greet"
    json.dumps(found)


def test_command_forms() -> None:
    def parsed(text: str) -> Any:
        return parse_command(text, DOMAIN)

    assert parsed("/greet")["intent"] == {"name": "greet", "confidence": 1.0}
    assert parsed("/greet@0.5")["intent"]["confidence"] == 0.5
    assert [e["value"] for e in parsed('/greet{"a": ["x", 2], "undeclared": 1}')["entities"]] == ["x", 2]
    assert parsed('/greet{"a": "x"}')["entities"][0] | {} == {
        "entity": "a", "value": "x", "start": 6, "end": 16, "extractor": "RegexMessageHandler"}  # fmt: skip
    assert parsed("/greet{broken}")["entities"] == []
    assert parsed("/greet{" + "[" * 3000 + "}")["entities"] == []
    assert parsed("/faq/ship")["response_selector"]["faq"]["response"]["utter_action"] == "utter_faq/ship"
    assert parsed("/greet hello") is None
    assert parsed("greet") is None
    assert parsed("/") is None


# Speed and start


async def test_turn_takes_little_time_beside_parsing() -> None:
    """The goal is 1.5 ms; the limit here is wide, for a machine that does other things."""
    talk = Talk(agent_with(None))
    await talk.say("/greet")
    tracker = talk.agent.tracker("ana", talk.history)
    times = []
    for number in range(200):
        began = time.perf_counter()
        await talk.agent.handle(tracker, InboundMessage(str(number), "ana", "rest", "/question", trusted=True))
        times.append(time.perf_counter() - began)
    assert sorted(times)[100] < 0.006


def test_import_is_light() -> None:
    code = "import bot.agent, sys; print([m for m in ('torch', 'rasa_sdk', 'aiohttp', 'numpy') if m in sys.modules])"
    root = SHOP.parents[2]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.strip() == "[]"


async def test_parse_result_stands_in_the_event() -> None:
    class Parser:
        async def parse(self, text: str) -> ParseResult:
            return ParseResult(text, {"name": "greet", "confidence": 0.9}, [], [{"name": "greet", "confidence": 0.9}],
                               {"text_tokens": [[0, 5]]})  # fmt: skip

    data, ensemble = trained()
    agent = type(agent_with(None))(domain=data.domain, parser=Parser(), ensemble=ensemble)
    turn = await agent.handle(agent.tracker("x"), InboundMessage("7", "x", "rest", " hello "))
    user = next(event for event in turn.events if isinstance(event, UserUttered))
    assert user.text == "hello"
    assert set(user.parse_data) == {
        "intent",
        "entities",
        "text",
        "message_id",
        "metadata",
        "intent_ranking",
        "text_tokens",
    }
