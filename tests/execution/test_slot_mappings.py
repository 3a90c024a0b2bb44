"""Slot mappings, their conditions and their validation; small domains made in place."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain import Domain, Entity, Form, Intent, MappingCondition, Slot, SlotMapping
from bot.errors import ActionUnavailable
from bot.events import ActionExecuted, ActiveLoop, BotUttered, Event, SlotSet, UserUttered
from bot.execution.executor import Executor
from bot.execution.situation import Situation
from bot.messages import Json
from bot.tracker import Tracker

IN_FORM = (MappingCondition("form"),)
ASKED = (MappingCondition("form", "town"),)


class Recorded:
    """An endpoint with answers by action name; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[Json] = []

    async def run(self, call: Json) -> Json:
        self.calls.append(call)
        answer = self.answers[call["next_action"]]
        if isinstance(answer, Exception):
            raise answer
        return {"events": answer, "responses": [{"text": "said"}]}

    async def names(self) -> tuple[str, ...]:
        return tuple(self.answers)

    async def close(self) -> None: ...


def domain_of(
    *slots: Slot, actions: tuple[str, ...] = (), required: tuple[str, ...] = ("town",), **form: Any
) -> Domain:
    return Domain(
        intents={name: Intent(name) for name in ("inform", "deny", "book")},
        entities={"city": Entity("city", roles=("from", "to"))},
        slots={slot.name: slot for slot in slots},
        forms={"form": Form("form", required, **form)},
        actions=actions,
    )


def tracker_of(domain: Domain, *before: Event, intent: str = "inform", entities: Any = (), text: str = "hi") -> Tracker:
    parse_data = {"intent": {"name": intent}, "entities": [dict(item) for item in entities]}
    message = UserUttered(text=text, parse_data=parse_data)
    return Tracker.from_events("x", domain, [ActionExecuted(name="action_listen"), *before, message])


async def extracted(domain: Domain, tracker: Tracker, endpoint: Recorded | None = None) -> list[tuple[str, Any]]:
    events = await Executor(domain, endpoint).extract_slots(tracker, Situation())
    return [(event.name, event.value) for event in events if isinstance(event, SlotSet)]


def city(value: str, role: str | None = None) -> Json:
    return {"entity": "city", "value": value} | ({"role": role} if role else {})


def town(*mappings: SlotMapping, kind: Any = "text", name: str = "town") -> Slot:
    return Slot(name, kind, mappings)


FROM_CITY = SlotMapping("from_entity", entity="city")


async def test_last_of_several_entities_fills_a_text_slot_and_all_fill_a_list() -> None:
    domain = domain_of(town(FROM_CITY), town(FROM_CITY, kind="list", name="towns"))
    tracker = tracker_of(domain, entities=[city("Rome"), city("Bern")])
    assert await extracted(domain, tracker) == [("town", "Bern"), ("towns", ["Rome", "Bern"])]


async def test_role_must_be_the_mappings() -> None:
    to = SlotMapping("from_entity", entity="city", role="to")
    domain = domain_of(town(to))
    assert await extracted(domain, tracker_of(domain, entities=[city("Rome"), city("Bern", "to")])) == [
        ("town", "Bern")
    ]
    assert await extracted(domain, tracker_of(domain, entities=[city("Rome", "from")])) == []


@pytest.mark.parametrize(("intent", "filled"), [("inform", True), ("deny", False), ("book", False)])
async def test_intents_of_a_mapping(intent: str, filled: bool) -> None:
    domain = domain_of(town(SlotMapping("from_text", intents=("inform",))))
    assert bool(await extracted(domain, tracker_of(domain, intent=intent))) is filled
    domain = domain_of(town(SlotMapping("from_text", not_intents=("deny", "book"))))
    assert bool(await extracted(domain, tracker_of(domain, intent=intent))) is filled


async def test_first_mapping_that_gives_a_value_wins_and_false_is_a_value() -> None:
    mappings = (SlotMapping("from_intent", intents=("deny",), value=False), SlotMapping("from_text"))
    domain = domain_of(town(*mappings, kind="bool"))
    assert await extracted(domain, tracker_of(domain, intent="deny")) == [("town", False)]
    assert await extracted(domain, tracker_of(domain, intent="inform", text="yes")) == [("town", "yes")]


async def test_conditions_want_their_form_and_their_question() -> None:
    asked = SlotSet(name="requested_slot", value="town")
    other = SlotSet(name="requested_slot", value="day")
    domain = domain_of(town(SlotMapping("from_text", conditions=ASKED)))
    assert await extracted(domain, tracker_of(domain, ActiveLoop(name="form"), asked)) == [("town", "hi")]
    assert await extracted(domain, tracker_of(domain, ActiveLoop(name="form"), other)) == []
    assert await extracted(domain, tracker_of(domain)) == []
    domain = domain_of(town(SlotMapping("from_text", conditions=(MappingCondition(None),))))
    assert await extracted(domain, tracker_of(domain, ActiveLoop(name="form"))) == []
    assert await extracted(domain, tracker_of(domain)) == [("town", "hi")]


async def test_trigger_intent_fills_only_when_the_form_is_not_running_yet() -> None:
    mapping = SlotMapping("from_trigger_intent", intents=("book",), value="home", conditions=IN_FORM)
    domain = domain_of(town(mapping))
    assert await extracted(domain, tracker_of(domain, intent="book")) == [("town", "home")]
    assert await extracted(domain, tracker_of(domain, ActiveLoop(name="form"), intent="book")) == []


async def test_ignored_intents_of_the_running_form_fill_nothing() -> None:
    domain = domain_of(town(SlotMapping("from_text")), ignored_intents=("deny",))
    assert await extracted(domain, tracker_of(domain, ActiveLoop(name="form"), intent="deny")) == []
    assert await extracted(domain, tracker_of(domain, intent="deny")) == [("town", "hi")]


async def test_an_entity_that_fits_two_slots_of_a_form_fills_the_one_asked_for() -> None:
    domain = domain_of(town(FROM_CITY), town(FROM_CITY, name="target"), required=("town", "target"))
    running = (ActiveLoop(name="form"), SlotSet(name="requested_slot", value="target"))
    assert await extracted(domain, tracker_of(domain, *running, entities=[city("Rome")])) == [("target", "Rome")]
    assert len(await extracted(domain, tracker_of(domain, entities=[city("Rome")]))) == 2


async def test_a_message_that_the_bot_has_answered_fills_nothing_again() -> None:
    domain = domain_of(town(SlotMapping("from_text")))
    tracker = tracker_of(domain)
    tracker.apply(BotUttered(text="yes?"))
    assert await extracted(domain, tracker) == []


async def test_custom_mapping_runs_its_action_once_and_takes_only_slots_and_words() -> None:
    custom = SlotMapping("custom", action="action_find")
    domain = domain_of(town(custom), town(custom, name="again"), actions=("action_find",))
    events = [{"event": "slot", "name": "town", "value": "Bern"}, {"event": "restart"}]
    endpoint = Recorded(action_find=events)
    found = await Executor(domain, endpoint).extract_slots(tracker_of(domain), Situation())
    assert [event.type for event in found] == ["bot", "slot"]
    assert len(endpoint.calls) == 1


async def test_custom_mapping_whose_action_fails_fills_nothing() -> None:
    domain = domain_of(town(SlotMapping("custom", action="action_find")), actions=("action_find",))
    endpoint = Recorded(action_find=ActionUnavailable("down", action="action_find"))
    assert await extracted(domain, tracker_of(domain), endpoint) == []


VALIDATOR = "action_validate_slot_mappings"


async def test_validator_sees_the_candidates_and_its_word_counts() -> None:
    day = Slot("day", "text", (SlotMapping("from_text"),))
    domain = domain_of(town(FROM_CITY), day, actions=(VALIDATOR,))
    endpoint = Recorded(**{VALIDATOR: [{"event": "slot", "name": "town", "value": None}]})
    tracker = tracker_of(domain, entities=[city("Atlantis")])
    assert await extracted(domain, tracker, endpoint) == [("town", None), ("day", "hi")]
    assert [event["event"] for event in endpoint.calls[0]["tracker"]["events"]][-2:] == ["slot", "slot"]


async def test_values_that_could_not_be_checked_are_not_set() -> None:
    domain = domain_of(town(FROM_CITY), actions=(VALIDATOR,))
    endpoint = Recorded(**{VALIDATOR: ActionUnavailable("down", action=VALIDATOR)})
    assert await extracted(domain, tracker_of(domain, entities=[city("Rome")]), endpoint) == []
