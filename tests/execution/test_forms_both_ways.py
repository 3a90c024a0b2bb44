"""Forms with a real FormValidationAction, in this process and over HTTP: the same conversation either way."""

from __future__ import annotations

import pytest

from bot.events import ActiveLoop
from tests.execution.shop_bot import Talk, agent_with, endpoint_of, shape, texts

KINDS = ["here", "http"]


@pytest.mark.parametrize("kind", KINDS)
async def test_form_asks_checks_and_ends(kind: str) -> None:
    async with endpoint_of(kind) as endpoint:
        talk = Talk(agent_with(endpoint))
        assert texts(await talk.say("/track")) == ["Which order?"]
        assert texts(await talk.say('/inform{"number": "12"}')) == ["12 is no order number.", "Which order?"]
        turn = await talk.say('/inform{"number": "123456"}')
        assert texts(turn) == ["Which colour?"]
        assert turn.messages[0].buttons == ({"title": "Red", "payload": '/inform{"colour": "red"}'},)
        turn = await talk.say('/inform{"colour": "BLUE"}')
        assert texts(turn) == ["123456 in blue, None"]
        assert talk.slots["requested_slot"] is None
        assert talk.agent.tracker("ana", talk.history).active_loop is None


@pytest.mark.parametrize("kind", KINDS)
async def test_validator_adds_a_required_slot_and_a_custom_question(kind: str) -> None:
    async with endpoint_of(kind) as endpoint:
        talk = Talk(agent_with(endpoint))
        await talk.say('/track{"number": "123456"}')
        turn = await talk.say('/inform{"colour": "red"}')
        assert texts(turn) == ["What shall the note with your red thing say?"]
        assert talk.slots["requested_slot"] == "gift_note"
        assert talk.slots["seen"][-1] == "slot"  # the question's action sees the answers of this turn
        assert texts(await talk.say("for Bo", trusted=False)) == ["123456 in red, for Bo"]


@pytest.mark.parametrize("kind", KINDS)
async def test_interruption_and_return(kind: str) -> None:
    async with endpoint_of(kind) as endpoint:
        talk = Talk(agent_with(endpoint))
        await talk.say("/track")
        turn = await talk.say("/question")
        assert texts(turn) == ["We deliver everywhere.", "Which order?"]
        assert "action_execution_rejected track_form" in shape(turn.events)
        # an ignored intent fills no slot of the form, not even one that its entity would fill
        turn = await talk.say('/question{"number": "123456"}')
        assert talk.slots["order_number"] is None


async def test_both_ways_give_the_same_events() -> None:
    found = []
    for kind in KINDS:
        async with endpoint_of(kind) as endpoint:
            talk = Talk(agent_with(endpoint))
            for text in ("/track", "/question", '/inform{"number": "1"}', '/inform{"number": "654321"}',
                         '/inform{"colour": "red"}', "to you", "/carousel", "/chain"):  # fmt: skip
                await talk.say(text, at=1_000_000.0 + talk.count)
            found.append([event.to_json() for event in talk.history])
    assert found[0] == found[1]


async def test_prefilled_slots_are_checked_when_the_form_starts() -> None:
    async with endpoint_of("here") as endpoint:
        talk = Talk(agent_with(endpoint))
        turn = await talk.say('/track{"number": "12"}')
        assert texts(turn) == ["12 is no order number.", "Which order?"]
        assert ActiveLoop(name="track_form").name in [e.name for e in turn.events if isinstance(e, ActiveLoop)]


async def test_a_validator_that_is_down_lets_no_answer_through() -> None:
    async with endpoint_of("here") as endpoint:
        talk = Talk(agent_with(endpoint))
        await talk.say("/track")
        broken = Talk(agent_with(None))
        broken.history = talk.history
        turn = await broken.say('/inform{"number": "999999"}')
        assert turn.messages[0].buttons[0]["payload"] == "/action_handoff"
        assert broken.slots["order_number"] is None
        assert broken.slots["requested_slot"] == "order_number"
        talk.history = broken.history
        assert texts(await talk.say('/inform{"number": "123456"}')) == ["Which colour?"]
