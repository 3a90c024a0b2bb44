"""Actions that block, fail and answer rubbish."""

import sys
import time
from datetime import datetime

from rasa_sdk.events import ConversationPaused, FollowupAction, SlotSet
from rasa_sdk.interfaces import Action


class Slow(Action):
    def name(self):
        return "action_slow"

    def run(self, dispatcher, tracker, domain):
        time.sleep(1.5)
        dispatcher.utter_message(text="done at last")
        return []


class Crash(Action):
    def name(self):
        return "action_crash"

    def run(self, dispatcher, tracker, domain):
        raise KeyError("price")


class Quit(Action):
    def name(self):
        return "action_quit"

    def run(self, dispatcher, tracker, domain):
        sys.exit(3)


class Rubbish(Action):
    def name(self):
        return "action_rubbish"

    def run(self, dispatcher, tracker, domain):
        return "nothing of the kind"


class Carousel(Action):
    def name(self):
        return "action_carousel"

    def run(self, dispatcher, tracker, domain):
        tracker.latest_message["entities"].append({"entity": "forged"})
        tracker.slots["colour"] = "forged"
        dispatcher.utter_message(text="Look", buttons=[{"title": "A", "payload": "/greet"}], image="https://a/b.png")
        dispatcher.utter_message(json_message={"card": {"title": "Shirt"}})
        return []


class Chain(Action):
    def name(self):
        return "action_chain"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("seen", "chain"), FollowupAction("utter_answer")]


class Pause(Action):
    def name(self):
        return "action_pause"

    def run(self, dispatcher, tracker, domain):
        return [ConversationPaused()]


class BadEvents(Action):
    def name(self):
        return "action_bad_events"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_missing")
        dispatcher.utter_message(text="still here", at=datetime(2026, 1, 1))
        dispatcher.utter_message(text="and here")
        return [
            {"event": "status", "value": "human"},
            {"event": "slot", "name": 5, "value": 1},
            {"event": "slot", "name": "no_such_slot", "value": 1},
            {"event": "slot", "name": "seen", "value": {1, 2}},
            {"event": "followup", "name": "no_such_action"},
            {"event": "active_loop", "name": ["x"]},
            {"event": "user", "text": "x", "parse_data": []},
            {"event": "slot"},
            {"event": "slot", "name": "seen", "value": "kept", "status": "human"},
        ]
