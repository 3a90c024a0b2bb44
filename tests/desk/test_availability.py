"""What the bot may promise: opening hours and who is there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.errors import ProjectError
from connectors.desk.opening import DAYS, read_opening_hours
from tests.desk.conftest import OpenShop, Shop
from tests.desk.test_conversation import open_page

ZURICH: dict[str, Any] = {
    "timezone": "Europe/Zurich",
    "opening_hours": {"mon": "09:00-12:00, 13:00-18:00", "fri": "22:00-02:00", "sun": "closed"},
}


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-01-05T08:00", True),  # Monday 9:00 in winter: one hour ahead of UTC
        ("2026-01-05T07:59", False),
        ("2026-01-05T11:00", False),
        ("2026-01-05T12:00", True),
        ("2026-01-05T17:00", False),
        ("2026-07-06T07:00", True),  # Monday 9:00 in summer: two hours ahead
        ("2026-01-06T10:00", False),  # Tuesday has no hours
        ("2026-01-09T21:30", True),  # Friday 22:30
        ("2026-01-10T00:30", True),  # the night after
        ("2026-01-10T01:00", False),
        ("2026-01-11T10:00", False),
    ],
)
def test_opening_hours(at: str, is_open: bool) -> None:
    assert read_opening_hours(ZURICH).is_open(datetime.fromisoformat(at).replace(tzinfo=UTC)) is is_open


def test_without_hours_it_is_always_open() -> None:
    assert read_opening_hours({}).is_open(datetime.now(UTC))
    week = dict.fromkeys(DAYS, "00:00-24:00")
    always = read_opening_hours({"opening_hours": week})
    assert all(
        always.is_open(datetime(2026, 1, day, hour, 59, tzinfo=UTC)) for day in range(1, 8) for hour in range(24)
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"timezone": "../../etc/passwd"}, "no time zone"),
        ({"timezone": "Europe"}, "no time zone"),
        ({"opening_hours": {"mon": "25:00"}}, "mon: '25:00'"),
        ({"opening_hours": {"mon": "09:00-25:00"}}, "mon"),
        ({"opening_hours": {"mon": "09:60-10:00"}}, "mon"),
        ({"opening_hours": {"mon": 540}}, "mon: '540'"),
        ({"opening_hours": {"Mon": "09:00-18:00"}}, "Did you mean 'mon'?"),
        ({"opening_hours": "always"}, "must name the days"),
        ({"opening_hour": {}}, "Did you mean 'opening_hours'?"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ProjectError) as wrong:
        read_opening_hours(settings)
    assert text in str(wrong.value)
    assert "endpoints.yml" in str(wrong.value)


@given(
    some.dictionaries(
        some.sampled_from(["timezone", "opening_hours", "x"]),
        some.one_of(
            some.none(), some.text(max_size=20), some.dictionaries(some.sampled_from(DAYS), some.text(max_size=12))
        ),
    )
)
def test_any_settings_are_read_or_refused(settings: dict[str, Any]) -> None:
    try:
        hours = read_opening_hours(settings)
    except ProjectError:
        return
    assert hours.is_open(datetime.now(UTC)) in (True, False)


async def until(shop: Shop, wanted: str) -> None:
    for _ in range(250):
        if await shop.desk.availability() == wanted:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"the desk did not become {wanted}")


async def test_an_open_desk_is_present_until_it_closes(shop: Shop) -> None:
    ana = await shop.operator("ana")
    assert await shop.desk.availability() == "absent"
    page = await open_page(ana)
    await until(shop, "present")
    second = await open_page(ana)
    await second.until(lambda page: "queue" in page.frames)
    await page.socket.close()
    await asyncio.sleep(0.2)
    assert await shop.desk.availability() == "present"
    await second.socket.close()
    await until(shop, "absent")


async def test_away_is_not_present(shop: Shop) -> None:
    ana = await shop.operator("ana")
    page = await open_page(ana)
    await until(shop, "present")
    assert (await ana.post("presence", {"state": "away"}))[1]["availability"] == "absent"
    assert (await ana.post("presence", {"state": "online"}))[1]["availability"] == "present"
    assert not page.socket.closed


async def test_a_desk_that_died_is_not_present_for_long(shop: Shop) -> None:
    ana = await shop.operator("ana")
    page = await open_page(ana)
    await until(shop, "present")
    await shop.store.database.write(lambda connection: connection.run("UPDATE operator SET seen_at = seen_at - 46"))
    await until(shop, "absent")
    assert not page.socket.closed


async def test_closed_counts_even_with_somebody_there(open_shop: OpenShop) -> None:
    shop = await open_shop({"opening_hours": {}})
    ana = await shop.operator("ana")
    page = await open_page(ana)
    await page.until(lambda page: "queue" in page.frames)
    assert await shop.desk.availability() == "closed"
    assert not page.socket.closed


async def test_a_disabled_operator_s_desk_is_closed(shop: Shop) -> None:
    ana = await shop.operator("ana")
    page = await open_page(ana)
    await page.until(lambda page: "queue" in page.frames)
    await shop.operators.disable("ana")
    await page.until(lambda page: page.frames.get("error", {}).get("code") == "login")
    assert (await page.socket.receive()).data == 4401
