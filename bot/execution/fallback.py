"""What the bot does when it did not understand: give up, ask whether it guessed right, ask to rephrase.

Source: the Rasa 3.x documentation of fallback; recorded conversations with `action_two_stage_fallback`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.events import ActionExecuted, ActiveLoop, Event, UserUtteranceReverted, UserUttered
from bot.execution.form import RunAction
from bot.execution.response import to_event
from bot.execution.situation import Situation
from bot.execution.words import language_of, say
from bot.tracker import Tracker

FALLBACK_INTENT = "nlu_fallback"
REJECTION_INTENT = "out_of_scope"
ASK_AFFIRMATION = "action_default_ask_affirmation"
ASK_REPHRASE = "action_default_ask_rephrase"


class TwoStageFallback:
    """The loop `action_two_stage_fallback`: ask to affirm, ask to rephrase, ask to affirm, give up.

    Args:
        run_action: runs the actions that ask and the one that gives up.
    """

    name = "action_two_stage_fallback"

    def __init__(self, run_action: RunAction) -> None:
        self._run_action = run_action

    async def activate(self, tracker: Tracker, situation: Situation) -> list[Event]:
        return []

    async def do(self, tracker: Tracker, situation: Situation, so_far: Sequence[Event]) -> list[Event]:
        starts = any(isinstance(event, ActiveLoop) for event in so_far)
        affirm = starts or _last_intents(tracker, 1) == [FALLBACK_INTENT]
        return await self._run_action(ASK_AFFIRMATION if affirm else ASK_REPHRASE, tracker, situation)

    def is_done(self, tracker: Tracker, so_far: Sequence[Event]) -> bool:
        clarified = not set(_last_intents(tracker, 1)) & {FALLBACK_INTENT, REJECTION_INTENT}
        return clarified or _is_hopeless(tracker)

    async def deactivate(self, tracker: Tracker, situation: Situation, so_far: Sequence[Event]) -> list[Event]:
        if _is_hopeless(tracker) or tracker.latest_message is None:
            return await self._run_action("action_default_fallback", tracker, situation)
        # The whole detour is one turn of the loop, so one step back removes it; then the clear message stands alone.
        return [UserUtteranceReverted(), ActionExecuted(name="action_listen"), _certain(tracker.latest_message)]


def ask_affirmation(tracker: Tracker, situation: Situation) -> list[Event]:
    """`action_default_ask_affirmation`: did you mean the likeliest intent that is not the fallback?"""
    parse_data = tracker.latest_message.parse_data if tracker.latest_message else {}
    intent = (parse_data.get("intent") or {}).get("name")
    ranking = parse_data.get("intent_ranking") or []
    if intent == FALLBACK_INTENT and len(ranking) > 1:
        intent = ranking[1].get("name")
    language = language_of(tracker, situation.language) or "en"
    message = {
        "text": say("affirm", language).format(intent=intent),
        "buttons": [
            {"title": say("yes", language), "payload": f"/{intent}"},
            {"title": say("no", language), "payload": f"/{REJECTION_INTENT}"},
        ],
        "utter_action": ASK_AFFIRMATION,
    }
    return [to_event(message)]


def revert_fallback(tracker: Tracker) -> list[Event]:
    """`action_revert_fallback_events`: after an affirmation or a rephrasing, as if it had been clear at once."""
    message = _last_message(tracker)
    if message is None:
        return []
    rewind, listen = UserUtteranceReverted(), ActionExecuted(name="action_listen")
    executed = [e.name for e in tracker.applied_events() if isinstance(e, ActionExecuted) and e.name != "action_listen"]
    if executed[-1:] == [ASK_REPHRASE]:
        return [rewind, rewind, rewind, listen, message]
    if executed[-1:] != [ASK_AFFIRMATION]:
        return []
    rephrased = [rewind, rewind, rewind, listen] if executed[-2:-1] == [ASK_REPHRASE] else []
    return [rewind, rewind, listen, *rephrased, _certain(message)]


def _is_hopeless(tracker: Tracker) -> bool:
    last = _last_intents(tracker, 3)
    return last[:2] == [FALLBACK_INTENT] * 2 or last == [REJECTION_INTENT, FALLBACK_INTENT, REJECTION_INTENT]


def _last_intents(tracker: Tracker, count: int) -> list[str | None]:
    """Latest first, not further back than the message that started the loop."""
    found: list[str | None] = []
    is_running = tracker.active_loop_name == TwoStageFallback.name
    for event in reversed(tracker.events):
        if isinstance(event, ActiveLoop) and event.name == TwoStageFallback.name:
            is_running = False
        elif isinstance(event, UserUttered):
            found.append(event.intent)
            if len(found) == count or not is_running:
                break
    return found


def _last_message(tracker: Tracker) -> UserUttered | None:
    return next((e for e in reversed(tracker.applied_events()) if isinstance(e, UserUttered)), None)


def _certain(message: UserUttered) -> UserUttered:
    intent = {**(message.parse_data.get("intent") or {}), "confidence": 1.0}
    return replace(message, parse_data={**message.parse_data, "intent": intent}, timestamp=None)
