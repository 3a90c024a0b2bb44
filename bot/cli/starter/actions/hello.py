"""An example of a custom action: any class of rasa_sdk works. endpoints.yml says where it runs."""

from datetime import datetime

from rasa_sdk import Action


class ActionHello(Action):
    def name(self):
        return "action_hello"

    def run(self, dispatcher, tracker, domain):
        hour = datetime.now().hour
        if tracker.get_slot("language") == "zh":
            dispatcher.utter_message(text="上午好!" if hour < 12 else "下午好!")
        else:
            dispatcher.utter_message(text="A good morning to you." if hour < 12 else "A good day to you.")
        return []
