"""What shoppers call products, in both languages."""

from __future__ import annotations

from importlib.resources import files

import pytest

from bot.shop.catalogue import Catalogue, option_value, product_name
from bot.shop.database import open_database
from bot.shop.item_match import item_label, match_items
from bot.shop.orders import Order
from bot.shop.sql_order_backend import SqlOrderBackend
from tests.shop.conftest import known, records


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> SqlOrderBackend:
    return SqlOrderBackend(open_database("sqlite:///shop.db", tmp_path_factory.mktemp("catalogue")))


@pytest.fixture(scope="module")
def catalogue(orders: SqlOrderBackend) -> Catalogue:
    return Catalogue(orders.products())


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("t-shirt", "T-Shirt"), ("T Shirts", "T-Shirt"), ("do you have the tshirt in red?", "T-Shirt"),
        ("runing shoes", "Running Shoes"), ("headfones", "Headphones"), ("blutooth speaker", "Bluetooth Speaker"),
        ("smartwatch", "Smart Watch"), ("a watch", "Wristwatch"), ("power bank", "Portable Charger"),
        ("notebook", "Notebook"), ("notebook computer", "Laptop"), ("e reader", "E-Reader"),
        ("T恤", "T-Shirt"), ("有没有跑步鞋？", "Running Shoes"), ("笔记本", "Notebook"), ("笔记本电脑", "Laptop"),
        ("我想买充电宝", "Portable Charger"), ("Ｔ恤衫", "T-Shirt"), ("吸尘器还有货吗", "Vacuum Cleaner"),
        ("意式咖啡机", "Espresso Machine"), ("智能手表", "Smart Watch"),
    ],
)  # fmt: skip
def test_products_are_found(catalogue: Catalogue, said: str, name: str) -> None:
    found = catalogue.find(said)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("said", ["", "a spaceship", "where is my parcel", "宇宙飞船", "shirtless", "🙂", "a" * 5000])
def test_what_is_not_sold_is_not_found(catalogue: Catalogue, said: str) -> None:
    assert catalogue.find(said) is None


def test_every_product_has_a_chinese_name_that_finds_it(catalogue: Catalogue) -> None:
    assert len(catalogue.products) == 50
    for product in catalogue.products:
        name = product_name(product.name, "zh")
        assert not name.isascii()
        assert catalogue.find(name) is product
        assert catalogue.find(product.name) is product


def test_colours_and_sizes_in_both_languages(catalogue: Catalogue) -> None:
    shirt = catalogue.find("t-shirt")
    assert shirt is not None
    red = {variant.item_id for variant in shirt.variants if variant.options["color"] == "red"}
    for said in ("red", "Red", "红色", "红"):
        assert {variant.item_id for variant in catalogue.match(shirt, color=said)} == red
    assert {variant.options["size"] for variant in catalogue.match(shirt, size="m")} == {"M"}
    assert {variant.options["size"] for variant in catalogue.match(shirt, size="XL码")} == {"XL"}
    assert catalogue.match(shirt, color="大红大绿") == ()
    bed = catalogue.find("pet bed")
    assert bed is not None
    assert {variant.options["size"] for variant in catalogue.match(bed, size="大号")} == {"large"}


def test_suggestions(catalogue: Catalogue) -> None:
    assert "Headphones" in [product.name for product in catalogue.suggest("hedphons")]


def test_every_option_has_a_chinese_word() -> None:
    variants = [variant for record in records("products.json") for variant in record["variants"]]
    values = {value for _, _, _, options in variants for value in options.values()}
    left = {value for value in values if option_value(value, "zh") == value and value.isalpha() and value.islower()}
    assert left == set()
    assert files("bot.shop").joinpath("data", "LICENSE").read_text().startswith("MIT")


@pytest.fixture(scope="module")
def order(orders: SqlOrderBackend) -> Order:
    owner = known("delivered")
    found = orders.order(owner.customer, owner.number)
    assert found is not None
    assert [item.name for item in found.items] == [
        "Water Bottle", "Bookshelf", "Action Camera", "Electric Kettle", "Hiking Boots",
    ]  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("said", "positions"),
    [
        ("1", [1]), ("#2", [2]), ("no. 3", [3]), ("第二件", [2]), ("第4件商品", [4]), ("the first one", [1]),
        ("the water bottle", [1]), ("书架", [2]), ("我要退登山靴", [5]), ("hikin boots", [5]), ("all", [1, 2, 3, 4, 5]),
        ("全部", [1, 2, 3, 4, 5]), ("9", []), ("the sofa", []), ("", []), ("the red one", [1]),
    ],
)  # fmt: skip
def test_items_of_an_order(order: Order, said: str, positions: list[int]) -> None:
    assert [item.position for item in match_items(order, said)] == positions


@pytest.mark.parametrize("language", ["en", "zh"])
def test_labels_lead_back_to_their_items(order: Order, language: str) -> None:
    for item in order.items:
        assert match_items(order, item_label(item, language)) == (item,)
