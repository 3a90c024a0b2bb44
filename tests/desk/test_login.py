"""Who gets in, and who does not."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from connectors.desk.login import FAILURES
from connectors.desk.password import Passwords
from tests.desk.conftest import PASSWORD, Shop


async def test_a_link_sets_the_password_once(shop: Shop) -> None:
    await shop.operators.add("ana", display_name="Ana")
    link = await shop.operators.make_link("ana")
    browser = shop.browser()
    for _ in range(3):  # a mail program's preview, and the greeting of the page, use nothing up
        async with browser.http.get(f"{shop.url}/desk/login", params={"link": link}) as page:
            assert page.status == 200
        assert await browser.post("link", {"link": link}) == (200, {"name": "ana", "display_name": "Ana"})
    assert (await browser.post("password", {"link": link, "password": PASSWORD}))[0] == 200
    assert (await browser.get("me"))[1]["display_name"] == "Ana"
    for path in ("link", "password"):
        status, body = await shop.browser().post(path, {"link": link, "password": "another password 1"})
        assert (status, body["code"]) == (410, "link_void")


@pytest.mark.parametrize(
    ("wished", "shown"),
    [
        (" Ana  Ng ", "Ana Ng"),
        ("", "Old"),
        ("\u202eanA\n\x07", "anA"),
        ("安娜", "安娜"),
        (None, "Old"),
        ("x" * 99, "x" * 80),
    ],
)
async def test_the_name_that_shoppers_see_can_be_chosen(shop: Shop, wished: object, shown: str) -> None:
    await shop.operators.add("ana", display_name="Old")
    link = await shop.operators.make_link("ana")
    browser = shop.browser()
    body = {"link": link, "password": PASSWORD, "display_name": wished}
    assert (await browser.post("password", body))[0] == 200
    assert (await browser.get("me"))[1]["display_name"] == shown


async def test_one_link_used_by_many_at_once_counts_once(shop: Shop) -> None:
    await shop.operators.add("ana")
    link = await shop.operators.make_link("ana")
    tries = [shop.browser().post("password", {"link": link, "password": f"{PASSWORD}{number}"}) for number in range(8)]
    statuses = [status for status, _ in await asyncio.gather(*tries)]
    assert sorted(statuses) == [200] + [410] * 7


async def test_an_old_link_is_void(shop: Shop) -> None:
    await shop.operators.add("ana")
    link = await shop.operators.make_link("ana")
    await shop.store.database.write(lambda connection: connection.run("UPDATE login_link SET expires_at = {now} - 1"))
    status, body = await shop.browser().post("password", {"link": link, "password": PASSWORD})
    assert (status, body["code"]) == (410, "link_void")
    assert body["message_zh"]


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaa", "x" * 201, None, 5, ["a"]])
async def test_a_bad_password_is_refused_and_the_link_stays(shop: Shop, password: object) -> None:
    await shop.operators.add("ana")
    link = await shop.operators.make_link("ana")
    assert (await shop.browser().post("password", {"link": link, "password": password}))[0] == 400
    assert (await shop.browser().post("password", {"link": link, "password": PASSWORD}))[0] == 200


async def test_wrong_unknown_disabled_and_without_a_password_look_the_same(shop: Shop) -> None:
    await shop.operator("ana")
    await shop.operators.add("newcomer")
    await shop.operator("gone")
    await shop.operators.disable("gone")
    answers = [
        await shop.browser().post("login", {"name": name, "password": password})
        for name, password in [
            ("ana", "wrong wrong"),
            ("nobody", PASSWORD),
            ("newcomer", PASSWORD),
            ("gone", PASSWORD),
            ("", ""),
            ("ana", None),
            ("' OR 1=1 --", PASSWORD),
        ]
    ]
    assert {status for status, _ in answers} == {401}
    assert len({str(body) for _, body in answers}) == 1


async def test_the_right_password_opens(shop: Shop) -> None:
    await shop.operator("ana")
    browser = shop.browser()
    status, body = await browser.post("login", {"name": " Ana ", "password": PASSWORD})
    assert status == 200
    assert body["name"] == "ana"
    assert (await browser.get("me"))[0] == 200


async def test_ten_failures_lock_the_name_for_this_address(shop: Shop) -> None:
    await shop.operator("ana")
    await shop.operator("ben")
    tries = [shop.browser().post("login", {"name": "ana", "password": f"wrong {number}"}) for number in range(16)]
    statuses = [status for status, _ in await asyncio.gather(*tries)]
    assert statuses.count(401) <= FAILURES
    assert set(statuses) == {401, 429}
    while (await shop.browser().post("login", {"name": "ana", "password": "wrong"}))[0] == 401:
        statuses.append(401)
    assert statuses.count(401) <= FAILURES
    status, body = await shop.browser().post("login", {"name": "ana", "password": PASSWORD})
    assert (status, body["code"]) == (429, "locked")
    assert (await shop.browser().post("login", {"name": "ben", "password": PASSWORD}))[0] == 200
    await shop.store.database.write(lambda connection: connection.run("UPDATE login_failure SET at = at - 901"))
    assert (await shop.browser().post("login", {"name": "ana", "password": PASSWORD}))[0] == 200


async def test_the_cookie_is_kept_from_scripts_and_other_sites(shop: Shop) -> None:
    await shop.operator("ana")
    login = {"name": "ana", "password": PASSWORD}
    for headers, secure in [({}, False), ({"X-Forwarded-Proto": "https"}, True)]:
        async with shop.browser().http.post(f"{shop.url}/desk/api/login", json=login, headers=headers) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert "Path=/desk" in cookie
            assert ("Secure" in cookie) is secure


async def test_logging_out_and_disabling_end_sessions(shop: Shop) -> None:
    ana, ben = await shop.operator("ana"), await shop.operator("ben")
    token = next(cookie.value for cookie in ana.http.cookie_jar)
    assert (await ana.post("logout"))[0] == 200
    stolen = {"Cookie": f"shoptalk_desk={token}"}
    async with shop.browser().http.get(f"{shop.url}/desk/api/me", headers=stolen) as answer:
        assert answer.status == 401
    await shop.operators.disable("ben")
    assert (await ben.get("me"))[0] == 401


async def test_the_database_holds_no_token_and_no_password(shop: Shop) -> None:
    ana = await shop.operator("ana")
    link = await shop.operators.make_link("ana")
    token = next(cookie.value for cookie in ana.http.cookie_jar)
    hashed = await shop.operators.password_hash("ana")
    assert hashed is not None
    assert hashed.startswith("$argon2id$")
    rows = await shop.store.database.read(
        lambda connection: [
            *connection.rows("SELECT * FROM operator"),
            *connection.rows("SELECT * FROM operator_session"),
            *connection.rows("SELECT * FROM login_link"),
        ]
    )
    text = str([tuple(row) for row in rows])
    assert len(rows) == 3
    assert not any(secret in text for secret in (token, link, PASSWORD))


async def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords()
    stored = await passwords.hash(PASSWORD)
    await passwords.fits("x", None)  # the first one also makes the hash that nobody has
    known, unknown = [], []
    for _ in range(8):
        for times, hashed in ((known, stored), (unknown, None)):
            start = time.process_time()
            assert not await passwords.fits("wrong wrong", hashed)
            times.append(time.process_time() - start)
    assert 0.5 < min(unknown) / min(known) < 2


async def test_hashing_leaves_the_event_loop_free() -> None:
    passwords = Passwords()
    hashing = asyncio.create_task(passwords.hash(PASSWORD))
    ticks = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert ticks > 3


async def test_pages_need_a_session_and_are_hardened(shop: Shop) -> None:
    nobody = shop.browser()
    async with nobody.http.get(f"{shop.url}/desk", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/desk/login"
    ana = await shop.operator("ana")
    for path in ("/desk", "/desk/login"):
        async with ana.http.get(f"{shop.url}{path}") as answer:
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "script-src 'self'" in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"


async def test_the_socket_needs_a_session_of_our_own_page(shop: Shop) -> None:
    ana = await shop.operator("ana")
    for browser, origin, status in [(shop.browser(), shop.url, 401), (ana, "https://evil.example", 403)]:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await browser.http.ws_connect(f"{shop.url}/desk/socket", origin=origin)
        assert refused.value.status == status
    async with ana.http.ws_connect(f"{shop.url}/desk/socket", origin=shop.url) as socket:
        assert (await socket.receive_json(timeout=5))["type"] == "queue"
