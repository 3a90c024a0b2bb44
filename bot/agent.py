"""The loaded bot: one message in, one Turn out. It decides and never sends.

The same tracker and message give the same Turn, time included where the message tells when it was accepted; custom
actions are the one thing that can differ, and they carry the turn's id as an idempotency key.

Source: the order of events in recorded conversations of Rasa 3.6.21.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Final, Protocol

from bot.domain import Domain
from bot.errors import ActionError, ActionRejected, ShoptalkError
from bot.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from bot.execution.command import parse_command
from bot.execution.decision import Decision
from bot.execution.endpoint import ActionEndpoint
from bot.execution.executor import Executor
from bot.execution.handoff import HANDOFF
from bot.execution.situation import Situation
from bot.execution.words import BACK_COMMAND, BACK_TITLES, HANDOFF_COMMAND
from bot.messages import InboundMessage, Json, Status
from bot.nlu.component import ParseResult
from bot.policies.policy import Prediction
from bot.tracker import REQUESTED_SLOT, SESSION_METADATA_SLOT, Tracker
from bot.turn import Availability, Turn

LISTEN: Final = "action_listen"
SESSION_START: Final = "action_session_start"

_log = logging.getLogger(__name__)


class Parser(Protocol):
    """Understands one text: a pipeline, or a batcher in front of it."""

    async def parse(self, text: str) -> ParseResult: ...


class Predictor(Protocol):
    """Chooses the next action: the ensemble of policies."""

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction: ...


class Agent:
    """Decides turns.

    Args:
        domain: the bot's world.
        parser: anything with `async parse(text) -> ParseResult`.
        ensemble: the policies.
        endpoint: runs custom actions; None when the project has none.
        model_id: of the archive, for the events' metadata.
        assistant_id: as in config.yml.
        language: as in config.yml; of the engine's own words where a conversation does not tell.
    """

    def __init__(
        self,
        *,
        domain: Domain,
        parser: Parser,
        ensemble: Predictor,
        endpoint: ActionEndpoint | None = None,
        model_id: str = "",
        assistant_id: str = "",
        language: str = "",
    ) -> None:
        self.domain = domain
        self.model_id = model_id
        self.assistant_id = assistant_id
        self._parser = parser
        self._ensemble = ensemble
        self._endpoint = endpoint
        self._language = language
        self._executor = Executor(domain, endpoint)
        self._stamp = {"model_id": model_id, "assistant_id": assistant_id}
        self._back_titles = BACK_TITLES | _titles(domain, BACK_COMMAND)
        self._max_predictions = _max_predictions()

    def tracker(self, sender_id: str, events: Iterable[Event] = ()) -> Tracker:
        """The tracker of a conversation with these events."""
        return Tracker.from_events(sender_id, self.domain, events)

    async def parse(self, text: str) -> ParseResult:
        """What the text means to this bot; nothing is decided."""
        return await self._parser.parse(text)

    async def handle(
        self,
        tracker: Tracker,
        message: InboundMessage,
        *,
        status: Status = "bot",
        turn_id: str = "",
        availability: Availability = "present",
    ) -> Turn:
        """Decide the turn of one message.

        Args:
            tracker: the conversation before the message; not changed.
            status: who answers the conversation now.
            turn_id: idempotency key of the turn; the same at every try.
            availability: the desk at this moment.
        """
        metadata = {key: value for key, value in message.metadata.items() if key != "accepted_at"}
        situation = Situation(
            turn_id=turn_id or f"{message.conversation_id}:{message.id}",
            channel=message.channel,
            availability=availability,
            metadata=metadata,
            language=self._language,
        )
        decision = Decision(tracker, situation, message.metadata.get("accepted_at"), self._stamp)
        if message.kind == "handback":
            if status in ("bot", "resolved"):
                await self._resume(decision)
        elif status in ("queued", "human"):
            await self._keep(decision, message, status)
        else:
            await self._answer(decision, message, is_new=status == "resolved")
        if status == "resolved" and decision.status is None:
            decision.status = "bot"
        return decision.turn()

    async def close(self) -> None:
        """Close the action endpoint."""
        if self._endpoint is not None:
            await self._endpoint.close()

    # Before the policies

    async def _answer(self, decision: Decision, message: InboundMessage, *, is_new: bool) -> None:
        if is_new or decision.needs_session(self.domain.session.expiration_min):
            await self._start_session(decision)
        if message.trusted and message.text.strip() == HANDOFF_COMMAND:
            decision.add([_user_uttered(decision, message, {})])
            await self._run(decision, _certain(HANDOFF))
            return
        decision.add([_user_uttered(decision, message, await self._parse(message))])
        await self._extract_slots(decision)
        await self._predict_until_listen(decision)

    async def _parse(self, message: InboundMessage) -> Json:
        if message.trusted and (command := parse_command(message.text.strip(), self.domain)) is not None:
            return command
        return (await self._parser.parse(message.text.strip())).to_json()

    async def _extract_slots(self, decision: Decision) -> None:
        decision.add(await self._executor.extract_slots(decision.tracker, decision.situation))

    async def _start_session(self, decision: Decision) -> None:
        if metadata := decision.situation.metadata:
            decision.add([SlotSet(name=SESSION_METADATA_SLOT, value=dict(metadata))])
        tracker, situation = decision.tracker, decision.situation
        try:
            events = await self._executor.run(SESSION_START, tracker, situation)
        except ActionError as error:
            _log.error("the project's own %s failed, the built-in one runs: %s", SESSION_START, error)
            events = self._executor.session_start(tracker, situation)
        decision.add([ActionExecuted(name=SESSION_START, confidence=1.0), *events])

    # While somebody else answers, and back

    async def _keep(self, decision: Decision, message: InboundMessage, status: Status) -> None:
        """The message is noted and not answered, unless the waiting shopper goes back to the bot."""
        decision.add([_user_uttered(decision, message, {})])
        text = message.text.strip()
        wants_back = text.casefold() in self._back_titles or (message.trusted and text == BACK_COMMAND)
        if status == "queued" and wants_back:
            decision.status = "bot"
            await self._resume(decision)

    async def _resume(self, decision: Decision) -> None:
        """The bot takes the thread up again: the same slots and form in a fresh session, so that the policies do not
        see what was said to a human, then the question that is open."""
        tracker, situation = decision.tracker, decision.situation
        loop, requested = tracker.active_loop_name, tracker.slot(REQUESTED_SLOT)
        slots = [SlotSet(name=name, value=value) for name, value in tracker.slots.items() if value is not None]
        form = self._executor.form(loop)
        going_on: list[Event] = [ActiveLoop(name=loop)] if loop else []
        # A form's slots come before the loop starts, so that they do not count as answers of this turn.
        decision.add([ActionExecuted(name=SESSION_START, confidence=1.0), SessionStarted(), *slots, *going_on])
        said: list[Event] = []
        if form and requested:
            said = await self._ask_again(decision, form.name, str(requested))
        decision.add(said or self._executor.handoff.handed_back(decision.tracker, situation))
        decision.add([ActionExecuted(name=LISTEN)])

    async def _ask_again(self, decision: Decision, form: str, slot: str) -> list[Event]:
        loop = self._executor.form(form)
        try:
            return await loop.ask(slot, decision.tracker, decision.situation) if loop else []
        except ActionError as error:
            _log.error("the question for slot %r of form %r can't be asked again: %s", slot, form, error)
            return []

    # The policies

    async def _predict_until_listen(self, decision: Decision) -> None:
        attempts = 0
        while not decision.is_silent:
            if decision.executed >= self._max_predictions or attempts >= 3 * self._max_predictions:
                _log.warning("%s: stopped after %d actions without listening", decision.tracker.sender_id, attempts)
                decision.add([ActionExecuted(name=LISTEN)])
                return
            attempts += 1
            if not await self._run(decision, self._next(decision.tracker)):
                return
        if attempts:  # an action paused the conversation; without a listen, `/restart` would not be heard later
            decision.add([ActionExecuted(name=LISTEN)])

    def _next(self, tracker: Tracker) -> Prediction:
        if followup := tracker.followup_action:
            tracker.clear_followup()
            if self.domain.is_known_action(followup):
                return _certain(followup)
            _log.error("the follow-up action %r is not in the domain; the policies decide", followup)
        return self._ensemble.predict(tracker, self.domain)

    async def _run(self, decision: Decision, prediction: Prediction) -> bool:
        """Run what was predicted. Returns whether to predict again."""
        name = prediction.action or LISTEN
        chosen = decision.stamped(prediction.events)
        try:
            events = await self._executor.run(name, decision.trial(chosen), decision.situation)
        except ActionRejected as error:
            _log.debug("%s", error)
            policy, confidence = prediction.policy, prediction.confidence
            decision.add([ActionExecutionRejected(name=name, policy=policy, confidence=confidence)])
            return True
        except ActionError as error:
            _log.error("action %s failed; the shopper is told so and offered a human: %s", name, error)
            events = self._failed(decision, name)
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            decision.note(chosen)
            decision.add([self._executed(name, prediction)])
        decision.add(events)
        if any(isinstance(event, UserUttered) for event in events):
            await self._extract_slots(decision)
        return self._goes_on(decision, name, events)

    def _failed(self, decision: Decision, name: str) -> list[Event]:
        """An apology. Answers that a form could not check are forgotten: they may be what protects an order."""
        form = self._executor.form(name)
        undone = form.unchecked_answers(decision.tracker) if form else []
        said = self._executor.handoff.action_failed(decision.tracker, decision.situation)
        return [*undone, *said, ActionExecuted(name=LISTEN)]

    def _goes_on(self, decision: Decision, name: str, events: list[Event]) -> bool:
        if name == HANDOFF:
            decision.status = "queued"
            decision.add([ActionExecuted(name=LISTEN)])
            return False
        if events and isinstance(events[-1], ActionExecuted) and events[-1].name == LISTEN:
            return False
        return name not in (LISTEN, SESSION_START)

    def _executed(self, name: str, prediction: Prediction) -> ActionExecuted:
        is_text = name in self.domain.e2e_actions
        return ActionExecuted(
            name=None if is_text else name,
            action_text=name if is_text else None,
            policy=prediction.policy,
            confidence=prediction.confidence,
            hide_rule_turn=prediction.hide_rule_turn,
        )


def _max_predictions() -> int:
    """Actions of one turn at most; Rasa's environment variable and default."""
    text = os.environ.get("MAX_NUMBER_OF_PREDICTIONS", "10")
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ShoptalkError(f"MAX_NUMBER_OF_PREDICTIONS is {text!r}: set it to a whole number from 1, or not at all")
    return int(text)


def _certain(action: str) -> Prediction:
    return Prediction(action, 1.0, "followup_action", 0)


def _user_uttered(decision: Decision, message: InboundMessage, parse_data: Json) -> UserUttered:
    metadata = dict(decision.situation.metadata)
    if message.attachments:
        metadata["attachments"] = message.to_json()["attachments"]
    head: Json = {
        "intent": {"name": None, "confidence": 0.0},
        "entities": [],
        "text": message.text.strip(),
        "message_id": message.id,
        "metadata": metadata,
    }
    return UserUttered(
        text=message.text.strip(),
        parse_data=head | parse_data,
        input_channel=message.channel,
        message_id=message.id,
        metadata=metadata,
    )


def _titles(domain: Domain, payload: str) -> frozenset[str]:
    """How the project's own buttons with this payload are called."""
    buttons = (button for variations in domain.responses.values() for v in variations for button in v.buttons)
    return frozenset(str(b.get("title", "")).casefold() for b in buttons if b.get("payload") == payload)
