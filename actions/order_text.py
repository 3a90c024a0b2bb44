"""Orders in a shopper's words: money, lists, cards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from actions.conversation import Button, button, words
from bot.shop.item_match import item_label
from bot.shop.orders import Order, Payment


def money(amount: Decimal, language: str) -> str:
    return words(language)["money"].format(amount=f"{amount:,.2f}")


def status(order: Order, language: str) -> str:
    return words(language).get(order.status, order.status)


def tracking(order: Order, language: str) -> str:
    return ", ".join(parcel.tracking_id for parcel in order.shipments) or words(language)["none"]


def item_list(order: Order, language: str) -> str:
    return words(language)["list_separator"].join(
        f"{item.position}. {item_label(item, language)} {money(item.price, language)}" for item in order.items
    )


def refund(payment: Payment, language: str) -> str:
    """ "$48.20 to the credit card ending in 9212"; only the last four digits are known to the shop."""
    where = words(language).get(payment.source, payment.source).format(last_four=payment.last_four)
    return f"{money(payment.amount, language)} {where}"


def facts(order: Order, language: str) -> dict[str, str]:
    """Values for the responses about one order."""
    separator = words(language)["list_separator"]
    return {
        "order_number": order.number,
        "status": status(order, language),
        "total": money(order.total, language),
        "tracking": tracking(order, language),
        "item_list": item_list(order, language),
        "refund": separator.join(refund(payment, language) for payment in order.refunds),
    }


def order_card(order: Order, language: str) -> dict[str, Any]:
    """The `custom` JSON that channels draw as a card."""
    word = words(language)
    lines = [[word["status"], status(order, language)], [word["total"], money(order.total, language)]]
    lines += [[word["tracking"], parcel.tracking_id] for parcel in order.shipments]
    lines += [[word["city"], order.city]] if order.city else []
    lines += [[word["refund"], refund(payment, language)] for payment in order.refunds]
    card = {
        "kind": "order",
        "title": word["order"].format(number=order.number),
        "subtitle": word["list_separator"].join(item_label(item, language) for item in order.items),
        "image": None,
        "status": status(order, language),
        "lines": lines,
        "buttons": [],
    }
    return {"card": card}


def order_button(order: Order, language: str) -> Button:
    return button(f"{order.number} · {status(order, language)}", f'/order_status{{"order_number": "{order.number}"}}')
