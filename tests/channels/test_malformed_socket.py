"""Malformed WebSocket traffic: an error frame in both languages, then a close code; never a 5xx or a silent death."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from connectors.web.session import Signer
from tests.channels.test_web import Shopper
from tests.fakes.running_site import SECRET, RunningSite


@pytest.fixture
async def shopper(site: RunningSite) -> AsyncIterator[Shopper]:
    async with aiohttp.ClientSession(site.url) as http:
        yield await Shopper(http, site).session()


async def first_error(shopper: Shopper) -> dict[str, Any]:
    frame = await shopper.hear("error")
    assert frame["text"]["en"]
    assert frame["text"]["zh"]
    return frame


HELLOS: dict[str, Any] = {
    "not json": "hello",
    "list": [1],
    "no type": {"token": "x"},
    "message first": {"type": "message", "id": "abcdefgh", "text": "hi"},
    "nul": '{"type": "hello", "token": "\\u0000"}',
    "negative seq": {"type": "hello", "token": "x", "last_seq": -1},
    "seq is text": {"type": "hello", "token": "x", "last_seq": "1"},
    "seq is true": {"type": "hello", "token": "x", "last_seq": True},
    "huge seq": {"type": "hello", "token": "x", "last_seq": 2**60},
}


@pytest.mark.parametrize("name", HELLOS)
async def test_without_a_proper_hello_the_socket_closes(shopper: Shopper, name: str) -> None:
    shopper.socket = await shopper.http.ws_connect("/webhooks/web/socket")
    await shopper.tell(HELLOS[name])
    await first_error(shopper)
    assert await shopper.closed() == 1008


def forged() -> dict[str, Any]:
    now = time.time()
    signer = Signer(SECRET)
    good = signer.issue("victim", now=now)
    body, mac = good.split(".")
    changed = base64.urlsafe_b64encode(json.dumps({"s": "other", "e": int(now + 9e6)}).encode()).decode().rstrip("=")
    return {
        "nothing": None,
        "empty": "",
        "number": 5,
        "object": {"s": "victim"},
        "garbage": "abc.def",
        "no mac": body,
        "empty mac": f"{body}.",
        "cut mac": good[:-1],
        "other body": f"{changed}.{mac}",
        "other secret": Signer(b"y" * 32).issue("victim", now=now),
        "expired": signer.issue("victim", now=now - 31 * 86400),
        "button's mac": f"{body}.{signer.sign_button('web:victim', body, '')}",
        "huge": "x" * 10_000,
        "unicode": "Ａ.Ｂ",
    }


@pytest.mark.parametrize("name", list(forged()))
async def test_a_forged_token_is_refused(shopper: Shopper, name: str) -> None:
    shopper.socket = await shopper.http.ws_connect("/webhooks/web/socket")
    await shopper.tell({"type": "hello", "token": forged()[name]})
    assert (await first_error(shopper))["code"] == "session"
    assert await shopper.closed() == 4401


FRAMES: dict[str, Any] = {
    "not json": "garbage",
    "number": "1",
    "unknown type": {"type": "launch"},
    "no type": {},
    "type is a list": {"type": ["message"]},
    "no id": {"type": "message", "text": "a"},
    "short id": {"type": "message", "id": "a", "text": "a"},
    "long id": {"type": "message", "id": "a" * 65, "text": "a"},
    "strange id": {"type": "message", "id": "abcdefgh\n", "text": "a"},
    "id is a number": {"type": "message", "id": 12345678, "text": "a"},
    "no text": {"type": "message", "id": "abcdefgh"},
    "text is a list": {"type": "message", "id": "abcdefgh", "text": ["a"]},
    "blank text": {"type": "message", "id": "abcdefgh", "text": " \n "},
    "long text": {"type": "message", "id": "abcdefgh", "text": "x" * 4001},
    "nul in text": '{"type": "message", "id": "abcdefgh", "text": "a\\u0000"}',
    "half a surrogate": '{"type": "message", "id": "abcdefgh", "text": "\\ud83d"}',
    "button without payload": {"type": "button", "id": "abcdefgh", "title": "x"},
    "seen without seq": {"type": "seen"},
    "seen a float": {"type": "seen", "seq": 1.5},
    "deep": '{"a":' * 100 + "1" + "}" * 100,
}


@pytest.mark.parametrize("name", FRAMES)
async def test_a_wrong_frame_is_explained_and_the_conversation_goes_on(shopper: Shopper, name: str) -> None:
    await shopper.connect()
    await shopper.tell(FRAMES[name])
    await first_error(shopper)
    await shopper.say("still here")
    await shopper.hear("line", text="echo: still here")


async def test_a_binary_frame_is_explained(shopper: Shopper) -> None:
    await shopper.connect()
    await shopper.socket.send_bytes(b"\x00\xff")
    assert (await first_error(shopper))["code"] == "bad_frame"


async def test_after_some_wrong_frames_the_socket_closes(shopper: Shopper) -> None:
    await shopper.connect()
    for _ in range(5):
        await shopper.tell("garbage")
    assert await shopper.closed() == 1008


async def test_a_frame_over_the_limit_closes_the_socket(shopper: Shopper) -> None:
    await shopper.connect()
    await shopper.tell({"type": "message", "id": "abcdefgh", "text": "x" * 100_000})
    assert await shopper.closed() == 1009


async def test_the_longest_text_fits_in_any_script(shopper: Shopper) -> None:
    await shopper.connect()
    await shopper.tell(json.dumps({"type": "message", "id": "abcdefgh", "text": "😀" * 4000}))
    await shopper.hear("ack", id="abcdefgh")


async def test_a_message_in_fragments_is_one_message(site: RunningSite, shopper: Shopper) -> None:
    """Frames as RFC 6455 section 5.4 allows them, written by hand: aiohttp's client never splits."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    hello = json.dumps({"type": "hello", "token": shopper.token}).encode()
    parts = [hello[:10], hello[10:20], hello[20:]]
    for number, part in enumerate(parts):
        first = (0x80 if number == 2 else 0) | (1 if number == 0 else 0)
        length = bytes([0x80 | len(part)]) if len(part) < 126 else bytes([0x80 | 126]) + len(part).to_bytes(2, "big")
        writer.write(bytes([first]) + length + b"\0\0\0\0" + part)
    head = await asyncio.wait_for(reader.read(200), 5)
    assert b'"ready"' in head
    writer.write(b"\xff\xff\xff\xff\xff\xff")
    rest = await asyncio.wait_for(reader.read(), 5)
    assert rest[:1] == b"\x88", "a frame that breaks the protocol is answered with a close frame"
    writer.close()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "garbage", "http://[bad"])
async def test_another_sites_page_can_neither_connect_nor_get_a_session(shopper: Shopper, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await shopper.http.ws_connect("/webhooks/web/socket", headers={"Origin": origin})
    assert refused.value.status == 403
    async with shopper.http.post("/webhooks/web/session", headers={"Origin": origin}) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_allowed_site_may(tmp_path: Any) -> None:
    running = RunningSite(tmp_path, credentials={"web": {"origins": ["https://shop.example"]}}).start()
    try:
        headers = {"Origin": "https://shop.example"}
        async with aiohttp.ClientSession(running.url) as http:
            async with http.post("/webhooks/web/session", headers=headers) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
            socket = await http.ws_connect("/webhooks/web/socket", headers=headers)
            await socket.close()
    finally:
        running.stop()


async def test_a_flood_is_slowed_down_with_a_time(tmp_path: Any) -> None:
    running = RunningSite(tmp_path, credentials={"web": {"rate_per_s": 1, "burst": 3}}).start()
    try:
        async with aiohttp.ClientSession(running.url) as http:
            shopper = await Shopper(http, running).session()
            await shopper.connect()
            for number in range(5):
                await shopper.say("x", f"flood-{number:04}")
            error = await first_error(shopper)
            assert error["code"] == "rate"
            assert error["id"] == "flood-0003"
            assert 0 < error["retry_after_s"] <= 2
    finally:
        running.stop()


async def test_sessions_of_one_address_are_limited(tmp_path: Any) -> None:
    running = RunningSite(tmp_path, credentials={"web": {"sessions_per_minute": 3}}).start()
    try:
        async with aiohttp.ClientSession(running.url) as http:
            statuses = []
            for _ in range(5):
                async with http.post("/webhooks/web/session") as answer:
                    statuses.append(answer.status)
            assert statuses == [200, 200, 200, 429, 429]
    finally:
        running.stop()


async def test_a_stop_tells_sockets_to_come_back_and_is_quick(tmp_path: Any) -> None:
    running = RunningSite(tmp_path).start()
    async with aiohttp.ClientSession(running.url) as http:
        shopper = await Shopper(http, running).session()
        await shopper.connect()
        began = time.monotonic()
        stopping = asyncio.get_running_loop().run_in_executor(None, running.stop)
        assert await shopper.closed() == 1001
        await stopping
        assert time.monotonic() - began < 5


UPGRADE = (
    b"GET /webhooks/web/socket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_a_reader_that_stops_reading_is_cut_and_misses_nothing(tmp_path: Any, monkeypatch: Any) -> None:
    """The server holds no more than one transport buffer for it; the rest stays in the database."""
    monkeypatch.setattr("connectors.web.connection.SEND_S", 0.5)
    running = RunningSite(tmp_path, credentials={"web": {"rate_per_s": 1000, "burst": 1000}}).start()
    try:
        async with aiohttp.ClientSession(running.url) as http:
            shopper = await Shopper(http, running).session()
            await shopper.connect()
            for number in range(400):
                await shopper.say("x" * 4000, f"fill-{number:05}")
                await shopper.hear("line", who="bot")
            await shopper.socket.close()

            slow = socket.socket()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.to_thread(slow.connect, ("127.0.0.1", running.port))
            slow.setblocking(False)
            hello = json.dumps({"type": "hello", "token": shopper.token}).encode()
            frame = b"\x81" + bytes([0x80 | 126]) + len(hello).to_bytes(2, "big") + b"\0\0\0\0" + hello
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(slow, UPGRADE)
            await loop.sock_recv(slow, 64)
            await loop.sock_sendall(slow, frame)
            await asyncio.sleep(1.5)
            received = 0
            with contextlib.suppress(ConnectionResetError):
                while data := await asyncio.wait_for(loop.sock_recv(slow, 1 << 20), 3):
                    received += len(data)
            slow.close()
            assert received < 400 * 8000, "the whole transcript went into memory"

            shopper.frames = []
            await shopper.connect()
            await shopper.say("end", "the-end-0001")
            await shopper.hear("line", text="echo: end")
            assert len([frame for frame in shopper.frames if frame["type"] == "line"]) == 802
    finally:
        running.stop()
