"""Order look-up: the form's checks and its answer."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import Conversation, Event, apologise, button, words
from actions.order_text import facts, order_button, order_card
from actions.proof_form import ProofForm
from bot.shop import normal
from bot.shop.orders import Order
from bot.shop.proof import Proof
from bot.shop.shop import Shop

MAX_LISTED = 10
"""Orders in one list: each has a button."""

STATUSES = ("pending", "processed", "delivered", "cancelled")


class ValidateOrderForm(ProofForm):
    """Checks the answers of order_form."""

    def name(self) -> str:
        return "validate_order_form"

    def slots_after_proof(self, tracker: Tracker, proof: Proof) -> list[str]:
        return [] if tracker.slots.get("order_task") == "list" else ["order_number"]


class ActionOrderAnswer(Action):
    """Answers what the shopper wanted to know, from the shop's database."""

    def name(self) -> str:
        return "action_order_answer"

    @apologise
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Event]:
        conversation, shop = Conversation.of(tracker), Shop.open()
        proof = shop.proofs.holder(conversation.id)
        if proof is None:
            return say_unproven(dispatcher, tracker, conversation)
        task = tracker.slots.get("order_task") or "status"
        if task == "list":
            _list(dispatcher, shop.orders(proof), conversation.language)
        else:
            number = normal.order_number(tracker.slots.get("order_number") or "")
            order = shop.order(proof, number) if number else None
            _answer(dispatcher, order, task, number=number or "", language=conversation.language)
        return [*forget_proof_slots(), SlotSet("proof_state", "proven")]


def forget_proof_slots() -> list[Event]:
    """The next look-up asks again, should the proof have run out."""
    return [SlotSet("order_contact", None), SlotSet("one_time_code", None)]


def say_unproven(dispatcher: CollectingDispatcher, tracker: Tracker, conversation: Conversation) -> list[Event]:
    """A form ended without a proof: too many wrong codes, or an action called on its own."""
    is_locked = Shop.open().proofs.is_locked(conversation.id, tracker.slots.get("order_number"))
    dispatcher.utter_message(response="utter_order_locked" if is_locked else "utter_order_unproven")
    events = [*forget_proof_slots(), SlotSet("proof_state", "locked" if is_locked else None)]
    return [*events, FollowupAction("action_handoff")] if is_locked else events


def _list(dispatcher: CollectingDispatcher, orders: tuple[Order, ...], language: str) -> None:
    if not orders:
        dispatcher.utter_message(response="utter_order_list_none")
        return
    shown = orders[:MAX_LISTED]
    texts = words(language)["list_separator"].join(order_button(order, language)["title"] for order in shown)
    dispatcher.utter_message(
        response="utter_order_list_one" if len(orders) == 1 else "utter_order_list",
        buttons=[order_button(order, language) for order in shown],
        order_count=str(len(orders)),
        order_list=texts,
    )


def _answer(dispatcher: CollectingDispatcher, order: Order | None, task: str, *, number: str, language: str) -> None:
    if order is None:
        dispatcher.utter_message(response="utter_order_not_found", order_number=number)
        return
    buttons = []
    if task == "status" and order.shipments:
        buttons = [button(words(language)["items"], "/order_items")]
    dispatcher.utter_message(response=_response(order, task), buttons=buttons, **facts(order, language))
    if task in ("status", "shipment", "items", "refund"):
        dispatcher.utter_message(json_message=order_card(order, language))


def _response(order: Order, task: str) -> str:
    """The name of the response that tells the truth about this order."""
    is_pending = order.status == "pending"
    cancel = "utter_cancel_possible" if is_pending else "utter_cancel_too_late"
    return {
        "status": f"utter_order_{order.status if order.status in STATUSES else 'status_other'}",
        "shipment": "utter_shipment" if order.shipments else "utter_shipment_none",
        "items": "utter_order_items",
        "refund": "utter_refund" if order.refunds else "utter_refund_none",
        "cancel": "utter_cancel_done" if order.status == "cancelled" else cancel,
        "address": "utter_address_possible" if is_pending else "utter_address_too_late",
        "invoice": "utter_invoice_by_human",
    }.get(task, "utter_order_status_other")
