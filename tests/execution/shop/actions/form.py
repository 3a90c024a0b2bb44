"""A form as merchants write it."""

from rasa_sdk import FormValidationAction
from rasa_sdk.events import SlotSet
from rasa_sdk.interfaces import Action


class ValidateTrackForm(FormValidationAction):
    def name(self):
        return "validate_track_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        return [*domain_slots, "gift_note"] if tracker.slots.get("colour") == "red" else domain_slots

    def validate_order_number(self, value, dispatcher, tracker, domain):
        if len(value) == 6 and value.isdigit():
            return {"order_number": value}
        dispatcher.utter_message(response="utter_wrong_number", number=value)
        return {"order_number": None}

    async def validate_colour(self, value, dispatcher, tracker, domain):
        print("a print in an action harms nobody")
        return {"colour": value.lower()}


class AskGiftNote(Action):
    def name(self):
        return "action_ask_gift_note"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"What shall the note with your {tracker.get_slot('colour')} thing say?")
        return [SlotSet("seen", [event["event"] for event in tracker.events][-3:])]
