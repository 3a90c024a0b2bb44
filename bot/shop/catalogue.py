"""Finds products by what shoppers call them, in English and Chinese, with slips of the keyboard."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from bot.shop.orders import Product, Variant

SIMILAR = 0.8
"""Ratio of equal characters from which a word counts as a misspelt name."""

MAX_CHARS = 200
"""More of a message is not looked at for a name."""


@cache
def _data(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(files("bot.shop").joinpath("data", name).read_text("utf-8"))
    return found


def folded(text: str) -> str:
    """Lower case, full-width folded, hyphens and signs as single spaces, Chinese left as it is."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARS]).lower()
    return " ".join(re.sub(r"[^\w]+", " ", text.replace("'s", "")).split())


def product_name(name: str, language: str) -> str:
    """A product's name in a language; its own name where there is no other."""
    names = _data("names.json").get(name)
    return str(names["zh"][0]) if language == "zh" and names else name


def option_name(name: str, language: str) -> str:
    return str(_data("options.json")["names"].get(name, name)) if language == "zh" else name


def option_value(value: str, language: str) -> str:
    if language != "zh":
        return value
    options = _data("options.json")
    colors = options["colors"].get(value)
    return str(colors[0] if colors else options["values"].get(value, value))


def option_text(options: Mapping[str, str], language: str) -> str:
    """All options in a line: "blue, M, cotton"; yes and no get their option's name in front."""
    comma, colon = ("、", "：") if language == "zh" else (", ", ": ")
    return comma.join(
        f"{option_name(key, language)}{colon}{option_value(value, language)}"
        if value in ("yes", "no", "none")
        else option_value(value, language)
        for key, value in options.items()
    )


class Catalogue:
    """The products, ready for look-ups.

    Args:
        products: of the shop; names.json gives Chinese names and aliases to those that it knows.
    """

    def __init__(self, products: tuple[Product, ...]) -> None:
        self.products = products
        self._by_alias: dict[str, Product] = {}
        for product in products:
            names = _data("names.json").get(product.name, {"en": (), "zh": ()})
            for alias in (product.name, *names["en"], *names["zh"]):
                self._by_alias.setdefault(folded(alias), product)

    def find(self, text: str) -> Product | None:
        """The product that a text names: the longest name in it, else the most similar one."""
        said = folded(text)
        hits = [alias for alias in self._by_alias if _contains(said, alias)]
        if hits:
            return self._by_alias[max(hits, key=len)]
        near = self._similar(said, 1)
        return near[0] if near else None

    def suggest(self, text: str, count: int = 3) -> tuple[Product, ...]:
        """Products whose names are a little like the text, best first."""
        return self._similar(folded(text), count, cutoff=0.5)

    def match(self, product: Product, *, color: str | None = None, size: str | None = None) -> tuple[Variant, ...]:
        """The variants of a colour and a size, as a shopper says them; None is any."""
        return tuple(
            variant
            for variant in product.variants
            if (color is None or _has(variant, "color", color)) and (size is None or _has(variant, "size", size))
        )

    def options(self, variants: tuple[Variant, ...]) -> dict[str, tuple[str, ...]]:
        """Option name to the values that occur, both in the order of the catalogue."""
        found: dict[str, dict[str, None]] = {}
        for variant in variants:
            for key, value in variant.options.items():
                found.setdefault(key, {})[value] = None
        return {key: tuple(values) for key, values in found.items()}

    def _similar(self, said: str, count: int, *, cutoff: float = SIMILAR) -> tuple[Product, ...]:
        words = said.split()
        spans = {said} | {" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}
        best: dict[str, float] = {}
        for span in spans:
            for alias in difflib.get_close_matches(span, self._by_alias, n=count, cutoff=cutoff) if span else ():
                ratio = difflib.SequenceMatcher(None, span, alias).ratio()
                name = self._by_alias[alias].name
                best[name] = max(best.get(name, 0.0), ratio)
        ranked = sorted(best, key=lambda name: -best[name])[:count]
        return tuple(self._by_alias[folded(name)] for name in ranked)


def _contains(said: str, alias: str) -> bool:
    if alias.isascii():
        # A plural is the same thing; Chinese may stand right beside a Latin word.
        return re.search(rf"(?<![a-z0-9]){re.escape(alias)}(?:e?s)?(?![a-z0-9])", said) is not None
    return alias in said


def _has(variant: Variant, option: str, said: str) -> bool:
    """Whether a variant's colour or size (or "frame color", "screen size" ...) is the one said."""
    wanted = _values(said)
    return any(
        _values(value) & wanted for key, value in variant.options.items() if key == option or key.endswith(f" {option}")
    )


def _values(said: str) -> set[str]:
    """A value in all its spellings: folded, and in English where it was Chinese."""
    word = folded(said)
    colors: Mapping[str, list[str]] = _data("options.json")["colors"]
    values: Mapping[str, str] = _data("options.json")["values"]
    english = {name.lower() for name, chinese in colors.items() if word in (name.lower(), *chinese)}
    english |= {name.lower() for name, chinese in values.items() if word == chinese}
    if english & {"grey", "gray"}:
        english |= {"grey", "gray"}
    return {word, word.replace(" ", ""), word.removesuffix("码").removesuffix("号")} | english
