"""Returns and exchanges: the form's checks, and the request that a colleague then works on."""

from __future__ import annotations

from typing import Any, Literal

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import Button, Conversation, Event, apologise, button, words
from actions.order_form import forget_proof_slots, say_unproven
from actions.order_text import facts
from actions.proof_form import ProofForm, Slots, ask_again
from bot.shop import normal
from bot.shop.item_match import item_label, match_items
from bot.shop.orders import Order, OrderItem
from bot.shop.proof import Proof
from bot.shop.shop import MAX_TEXT_CHARS, Shop

RETURN_SLOTS = ("return_item", "return_reason", "return_confirmation")


class ValidateReturnForm(ProofForm):
    """Checks the answers of return_form; ends it early for an order that can't be returned."""

    def name(self) -> str:
        return "validate_return_form"

    def slots_after_proof(self, tracker: Tracker, proof: Proof) -> list[str]:
        order = _order(tracker, proof)
        is_open = tracker.slots.get("order_number") is None or (order is not None and order.status == "delivered")
        return ["order_number", *RETURN_SLOTS] if is_open else ["order_number"]

    def before_asking(self, slot: str | None, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
        if slot == "return_item":
            conversation = Conversation.of(tracker)
            proof = Shop.open().proofs.holder(conversation.id)
            order = _order(tracker, proof) if proof else None
            if order is not None:
                buttons = _item_buttons(order, conversation.language)
                dispatcher.utter_message(
                    response="utter_return_items", buttons=buttons, **facts(order, conversation.language)
                )

    @ask_again("return_item")
    def validate_return_item(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        conversation = Conversation.of(tracker)
        proof = Shop.open().proofs.holder(conversation.id)
        order = _order(tracker, proof) if proof and value is not None else None
        items = match_items(order, str(value)) if order else ()
        if not items:
            if order:
                dispatcher.utter_message(response="utter_return_item_unknown")
            return {"return_item": None}
        return {"return_item": _label(order, items, conversation.language)}

    def validate_return_reason(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        reason = normal.storable(value or "").strip()[:MAX_TEXT_CHARS]
        return {"return_reason": reason or None}

    def validate_return_confirmation(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        return {"return_confirmation": value if isinstance(value, bool) else None}


class ActionSubmitReturn(Action):
    """Records the return or exchange and gives the shopper its number."""

    def name(self) -> str:
        return "action_submit_return"

    @apologise
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Event]:
        conversation, shop = Conversation.of(tracker), Shop.open()
        proof = shop.proofs.holder(conversation.id)
        if proof is None:
            return [*say_unproven(dispatcher, tracker, conversation), *_forget_return()]
        order = _order(tracker, proof)
        if order is None:
            number = normal.order_number(tracker.slots.get("order_number") or "") or ""
            dispatcher.utter_message(response="utter_order_not_found", order_number=number)
        elif order.status != "delivered":
            dispatcher.utter_message(response="utter_return_not_delivered", **facts(order, conversation.language))
        elif tracker.slots.get("return_confirmation") is not True:
            dispatcher.utter_message(response="utter_return_dropped")
        else:
            _record(dispatcher, tracker, conversation, order, proof)
        return [*forget_proof_slots(), *_forget_return()]


def _forget_return() -> list[Event]:
    return [SlotSet(name, None) for name in RETURN_SLOTS]


def _order(tracker: Tracker, proof: Proof) -> Order | None:
    number = normal.order_number(tracker.slots.get("order_number") or "")
    return Shop.open().order(proof, number) if number else None


def _record(
    dispatcher: CollectingDispatcher, tracker: Tracker, conversation: Conversation, order: Order, proof: Proof
) -> None:
    items = match_items(order, str(tracker.slots.get("return_item") or ""))
    kind: Literal["return", "exchange"] = "exchange" if tracker.slots.get("return_kind") == "exchange" else "return"
    number = Shop.open().request_return(
        proof,
        order,
        tuple(item.item_id for item in items),
        kind=kind,
        reason=str(tracker.slots.get("return_reason") or ""),
        effect=conversation.effect("return"),
    )
    if number is None:
        dispatcher.utter_message(response="utter_return_item_unknown")
        return
    label = _label(order, items, conversation.language)
    values = {"request_number": number, "item_label": label, "order_number": order.number}
    dispatcher.utter_message(response=f"utter_{kind}_recorded", **values)


def _label(order: Order | None, items: tuple[OrderItem, ...], language: str) -> str:
    if order is not None and len(items) > 1:
        return words(language)["all_items"]
    return item_label(items[0], language)


def _item_buttons(order: Order, language: str) -> list[Button]:
    found = [
        button(item_label(item, language), f'/inform{{"product": "{item_label(item, language)}"}}')
        for item in order.items
    ]
    everything = words(language)["all_items"]
    return [*found, button(everything, f'/inform{{"product": "{everything}"}}')] if len(found) > 1 else found
