"""`action_handoff` and what is said when a conversation changes hands."""

from __future__ import annotations

from bot.events import BotUttered, Event
from bot.execution.response import Responder, to_event
from bot.execution.situation import Situation
from bot.execution.words import BACK_COMMAND, HANDOFF_COMMAND, language_of, say
from bot.messages import Json
from bot.tracker import Tracker

HANDOFF = "action_handoff"


class Handoff:
    """Words around the desk: a project's own responses where it has them, else the engine's."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    def handed_off(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """What `action_handoff` says, by who is at the desk; always with a way back to the bot."""
        kind = f"handoff_{situation.availability}"
        return [_with_button(self._say(kind, tracker, situation), BACK_COMMAND, "button_back", tracker, situation)]

    def handed_back(self, tracker: Tracker, situation: Situation) -> list[Event]:
        return [self._say("handback", tracker, situation)]

    def action_failed(self, tracker: Tracker, situation: Situation) -> list[Event]:
        """What the shopper hears when an action can't run; a human is always offered."""
        said = self._say("action_failed", tracker, situation)
        return [_with_button(said, HANDOFF_COMMAND, "button_human", tracker, situation)]

    def _say(self, key: str, tracker: Tracker, situation: Situation) -> BotUttered:
        name = f"utter_{key}"
        message: Json | None = self._responder.draft(name, tracker, situation)
        if message is None:
            message = {"text": say(key, language_of(tracker, situation.language))}
        return to_event(message | {"utter_action": name})


def _with_button(said: BotUttered, payload: str, title: str, tracker: Tracker, situation: Situation) -> BotUttered:
    buttons = list(said.data.get("buttons") or ())
    if payload != HANDOFF_COMMAND or not buttons:  # a project that offers its own way to a human needs no second one
        if any(button.get("payload") == payload for button in buttons):
            return said
        buttons.append({"title": say(title, language_of(tracker, situation.language)), "payload": payload})
    return BotUttered(text=said.text, data={**said.data, "buttons": buttons}, metadata=said.metadata)
