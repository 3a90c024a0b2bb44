"""What the forms that need to know the shopper share: order number, contact, one-time code.

These classes only lead the talk. Whether data may be shown is decided in bot.shop, which asks for a Proof.
"""

from __future__ import annotations

import functools
import logging
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT, FormValidationAction

from actions.conversation import Conversation, Event
from bot.shop import normal
from bot.shop.orders import ShopError
from bot.shop.proof import Proof
from bot.shop.shop import Shop

_log = logging.getLogger(__name__)

Slots = dict[str, Any]
Check = Callable[..., Slots]
PROOF_SLOTS = ("order_number", "order_contact", "one_time_code")


def ask_again(slot: str) -> Callable[[Check], Check]:
    """A check whose shop can't answer apologises and leaves `slot` empty, so that it is asked once more."""

    def decorate(check: Check) -> Check:
        @functools.wraps(check)
        def run(self: Any, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Slots:
            try:
                return check(self, value, dispatcher, tracker, domain)
            except ShopError as error:
                _apologise(self.name(), dispatcher, error)
                return {slot: None}

        return run

    return decorate


def _apologise(action: str, dispatcher: CollectingDispatcher, error: ShopError) -> None:
    _log.error("%s: %s", action, error)
    dispatcher.utter_message(response="utter_shop_unavailable")


def typed_text(tracker: Tracker) -> str:
    """What the shopper typed; empty for a button's command."""
    text = str(tracker.latest_message.get("text") or "")
    return "" if text.startswith("/") else text


class ProofForm(FormValidationAction):
    """Validates the three slots that prove identity, and leaves them out once proved."""

    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def slots_after_proof(self, tracker: Tracker, proof: Proof) -> list[str]:
        """What is still needed from somebody who has proved who they are."""

    def needed_slots(self, tracker: Tracker) -> list[str]:
        """What the form has to ask for now; empty when too many wrong codes were tried."""
        conversation, proofs = Conversation.of(tracker), Shop.open().proofs
        proof = proofs.holder(conversation.id)
        if proof is not None:
            return self.slots_after_proof(tracker, proof)
        return [] if proofs.is_locked(conversation.id, tracker.slots.get("order_number")) else list(PROOF_SLOTS)

    async def next_requested_slot(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Event | None:
        """The first needed slot that is empty. (Not `required_slots`: that would also skip validating the others.)"""
        try:
            needed = self.needed_slots(tracker)
            slot = next((name for name in needed if tracker.slots.get(name) is None), None)
            self.before_asking(slot, dispatcher, tracker)
        except ShopError as error:
            _apologise(self.name(), dispatcher, error)
            return None
        event: Event = SlotSet(REQUESTED_SLOT, slot)
        return event

    def before_asking(self, slot: str | None, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
        """Say something before the engine asks for `slot`."""

    @ask_again("order_number")
    def validate_order_number(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        number = normal.order_number(value) or normal.order_number_in(typed_text(tracker))
        if number is None:
            dispatcher.utter_message(response="utter_order_number_invalid")
            return {"order_number": None}
        asked = Shop.open().proofs.asked_order(Conversation.of(tracker).id)
        if tracker.slots.get("order_contact") and asked != number:
            # The code was for another order: ask again for the contact of this one.
            return {"order_number": number, "order_contact": None, "one_time_code": None}
        return {"order_number": number}

    @ask_again("order_contact")
    def validate_order_contact(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        conversation, number = Conversation.of(tracker), normal.order_number(tracker.slots.get("order_number") or "")
        # An entity may have lost a letter at its edge: what was typed decides.
        contact = normal.contact_in(typed_text(tracker)) or normal.contact(value)
        if value is None or number is None:
            return {"order_contact": None}
        if contact is None:
            dispatcher.utter_message(response="utter_contact_invalid")
            return {"order_contact": None}
        outcome = Shop.open().proofs.request(
            conversation.id, number, contact, effect=conversation.effect("code"), language=conversation.language
        )
        if outcome == "locked":
            return {"order_contact": None, "one_time_code": None, "proof_state": "locked"}
        dispatcher.utter_message(response="utter_code_sent" if outcome == "asked" else "utter_code_limited")
        return {"order_contact": contact, "one_time_code": None, "proof_state": "asked"}

    @ask_again("one_time_code")
    def validate_one_time_code(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        code = normal.code(value) if value is not None else None
        if code is None:
            if value is not None and normal.email(value) is None:
                dispatcher.utter_message(response="utter_code_format")
            return {"one_time_code": None}
        conversation = Conversation.of(tracker)
        outcome = Shop.open().proofs.check(conversation.id, code, effect=conversation.effect("check"))
        if outcome != "locked":
            dispatcher.utter_message(response="utter_proven" if outcome == "proven" else f"utter_code_{outcome}")
        # A used code and the address are of no more use: they are not kept as slots.
        done = {"order_contact": None} if outcome in ("proven", "locked") else {}
        return {"one_time_code": None, "proof_state": outcome} | done
