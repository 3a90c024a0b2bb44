"""Stock, prices and options of a product. Public facts: no proof needed."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import Conversation, Event, apologise, button, words
from actions.order_text import money
from bot.shop.catalogue import Catalogue, option_name, option_value, product_name
from bot.shop.orders import Product, Variant
from bot.shop.shop import Shop

MAX_VALUES = 8
"""Values of one option in a sentence."""


class ActionProductInfo(Action):
    """Answers whether a product is in stock, in which options, at which price."""

    def name(self) -> str:
        return "action_product_info"

    @apologise
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Event]:
        language, catalogue = Conversation.of(tracker).language, Shop.open().catalogue()
        said = _entity(tracker, "product")
        text = str(tracker.latest_message.get("text") or "")
        product = catalogue.find(said) if said else None
        if product is None and not text.startswith("/"):
            product = catalogue.find(text)
        remembered = tracker.slots.get("product")
        if product is None and said is None and remembered:
            product = catalogue.find(str(remembered))
        if product is None:
            _say_unknown(dispatcher, catalogue, said, language)
            return []
        wish = {name: value for name in ("color", "size") if (value := _entity(tracker, name))}
        _say_product(dispatcher, catalogue, product, wish, language=language)
        return [SlotSet("product", product.name)]


def _entity(tracker: Tracker, name: str) -> str | None:
    """What the last message says; an older wish for a colour is not held against a new question."""
    value = next(tracker.get_latest_entity_values(name), None)
    return str(value) if value else None


def _say_unknown(dispatcher: CollectingDispatcher, catalogue: Catalogue, said: str | None, language: str) -> None:
    if said is None:
        dispatcher.utter_message(response="utter_product_which")
        return
    near = [
        button(product_name(product.name, language), f'/stock{{"product": "{product.name}"}}')
        for product in catalogue.suggest(said)
    ]
    dispatcher.utter_message(response="utter_product_unknown" if near else "utter_product_unknown_none", buttons=near)


def _say_product(
    dispatcher: CollectingDispatcher, catalogue: Catalogue, product: Product, wish: dict[str, str], *, language: str
) -> None:
    matching = catalogue.match(product, color=wish.get("color"), size=wish.get("size"))
    available = tuple(variant for variant in matching if variant.available)
    shown = available or product.in_stock
    dispatcher.utter_message(
        response=_response(product, matching, available, is_wish=bool(wish)),
        product_name=product_name(product.name, language),
        available_count=str(len(available)),
        price_range=_price_range(shown or product.variants, language),
        option_list=_option_list(catalogue, shown, language),
        wish=", ".join(option_value(value, language) for value in wish.values()),
    )
    dispatcher.utter_message(json_message=_card(product, language))


def _response(product: Product, matching: tuple[Variant, ...], available: tuple[Variant, ...], *, is_wish: bool) -> str:
    if not product.in_stock:
        return "utter_product_sold_out"
    if not is_wish:
        return "utter_product_in_stock"
    if available:
        return "utter_product_variant_in_stock"
    return "utter_product_variant_sold_out" if matching else "utter_product_variant_unknown"


def _price_range(variants: tuple[Variant, ...], language: str) -> str:
    prices = [variant.price for variant in variants]
    if not prices:
        return ""
    low, high = money(min(prices), language), money(max(prices), language)
    return low if low == high else words(language)["range"].format(low=low, high=high)


def _option_list(catalogue: Catalogue, variants: tuple[Variant, ...], language: str) -> str:
    colon, comma = ("：", "、") if language == "zh" else (": ", ", ")
    lines = [
        option_name(name, language) + colon + comma.join(option_value(value, language) for value in values[:MAX_VALUES])
        for name, values in catalogue.options(variants).items()
    ]
    return words(language)["list_separator"].join(lines)


def _card(product: Product, language: str) -> dict[str, Any]:
    word = words(language)
    count = word["versions"].format(count=len(product.in_stock), all=len(product.variants))
    card = {
        "kind": "product",
        "title": product_name(product.name, language),
        "subtitle": "",
        "image": None,
        "status": None,
        "lines": [
            [word["price"], _price_range(product.in_stock or product.variants, language)],
            [word["stock"], count],
        ],
        "buttons": [],
    }
    return {"card": card}
