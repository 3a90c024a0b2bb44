"""Which item of an order does a shopper mean? "2", "the blue bottle", "第二件", "全部"."""

from __future__ import annotations

import re

from bot.shop.catalogue import Catalogue, folded, option_text, option_value, product_name
from bot.shop.orders import Order, OrderItem, Product

ALL = frozenset(
    folded(word)
    for word in ("all", "all items", "all of them", "everything", "both", "全部", "全部商品", "所有", "都要", "都")
)
ORDINALS = ("一", "二", "三", "四", "五", "六", "七", "八", "九")
ENGLISH_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def item_label(item: OrderItem, language: str) -> str:
    """Name and options: "Water Bottle (1000ml, glass, blue)"."""
    name, options = product_name(item.name, language), option_text(item.options, language)
    if language == "zh":
        return f"{name}（{options}）" if options else name
    return f"{name} ({options})" if options else name


def match_items(order: Order, text: str) -> tuple[OrderItem, ...]:
    """The items that a text names: one, or all; empty when unknown or when several would fit."""
    said = folded(text)
    if said in ALL:
        return order.items
    position = _position(said)
    if position is not None:
        return tuple(item for item in order.items if item.position == position)
    exact = [item for item in order.items if said in (folded(item_label(item, "en")), folded(item_label(item, "zh")))]
    return tuple((exact or _named(order, said))[:1])


def _position(said: str) -> int | None:
    if match := re.fullmatch(r"(?:no|number|item|第)? ?(\d{1,2}) ?(?:个|件|号|项)?(?:商品)?", said):
        return int(match[1])
    if match := re.fullmatch(r"第([一二三四五六七八九])(?:个|件|项)?(?:商品)?", said):
        return ORDINALS.index(match[1]) + 1
    if match := re.fullmatch(rf"(?:the )?({'|'.join(ENGLISH_ORDINALS)})(?: one| item)?", said):
        return ENGLISH_ORDINALS.index(match[1]) + 1
    return None


def _named(order: Order, said: str) -> list[OrderItem]:
    products = {item.product_id: Product(item.product_id, item.name) for item in order.items}
    product = Catalogue(tuple(products.values())).find(said)
    items = [item for item in order.items if product is None or item.product_id == product.id]
    scores = [_score(item, said) for item in items]
    if product is not None and len({item.item_id for item in items}) == 1:
        return items
    best = max(scores, default=0)
    found = [item for item, score in zip(items, scores, strict=True) if score == best]
    return found if best > 0 and len({item.item_id for item in found}) == 1 else []


def _score(item: OrderItem, said: str) -> int:
    """How many of the item's option values the text names."""
    words = said.split()
    return sum(
        folded(value) in words or folded(option_value(value, "zh")) in words or option_value(value, "zh") in said
        for value in item.options.values()
    )
