"""Complaints: taken from anybody, recorded for a colleague."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import FormValidationAction

from actions.conversation import Conversation, Event, apologise
from actions.proof_form import Slots, typed_text
from bot.shop import normal
from bot.shop.shop import MAX_TEXT_CHARS, Shop

MIN_TEXT_CHARS = 4
"""A Chinese complaint can be as short as four characters."""


class ValidateComplaintForm(FormValidationAction):
    """Checks the answers of complaint_form."""

    def name(self) -> str:
        return "validate_complaint_form"

    def validate_complaint_text(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        text = normal.storable(value or "").strip()[:MAX_TEXT_CHARS]
        if len(text) < MIN_TEXT_CHARS:
            dispatcher.utter_message(response="utter_complaint_text_short")
            return {"complaint_text": None}
        return {"complaint_text": text}

    def validate_complaint_contact(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        contact = normal.contact_in(typed_text(tracker)) or normal.contact(value or "")
        if contact is None and value is not None:
            dispatcher.utter_message(response="utter_contact_invalid")
        return {"complaint_contact": contact}


class ActionSubmitComplaint(Action):
    """Records the complaint and gives the shopper its number."""

    def name(self) -> str:
        return "action_submit_complaint"

    @apologise
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Event]:
        conversation = Conversation.of(tracker)
        number = Shop.open().request_complaint(
            conversation.id,
            str(tracker.slots.get("complaint_text") or ""),
            contact=normal.contact(tracker.slots.get("complaint_contact") or "") or "",
            order_number=normal.order_number(tracker.slots.get("order_number") or "") or "",
            effect=conversation.effect("complaint"),
        )
        dispatcher.utter_message(response="utter_complaint_recorded", request_number=number)
        return [SlotSet("complaint_text", None), SlotSet("complaint_contact", None)]
