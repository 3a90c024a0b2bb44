"""Malformed HTTP: always a 4xx with JSON that says why, never a 5xx, and the server goes on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.http import Refusal, parse_object
from tests.fakes.running_site import RunningSite

WEBHOOK = "/webhooks/rest/webhook"

BODIES: dict[str, bytes] = {
    "empty": b"",
    "not json": b"{not json",
    "cut": b'{"sender": "a", "message": "b',
    "list": b"[1, 2]",
    "string": b'"hello"',
    "number": b"42",
    "null": b"null",
    "nan": b'{"message": NaN}',
    "infinity": b'{"message": "a", "metadata": {"x": -Infinity}}',
    "deep lists": b'{"message": "a", "metadata": {"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "33 levels": b'{"message": "a", "metadata": ' + b'{"a":' * 33 + b"1" + b"}" * 34,
    "huge": b'{"message": "' + b"x" * 1_000_000 + b'"}',
    "huge number": b'{"message": "a", "metadata": {"x": ' + b"9" * 5000 + b"}}",
    "nul in text": b'{"message": "a\\u0000b"}',
    "nul in sender": b'{"message": "a", "sender": "\\u0000"}',
    "nul in key": b'{"message": "a", "metadata": {"\\u0000": 1}}',
    "half a surrogate": b'{"message": "\\ud800"}',
    "surrogate in sender": b'{"message": "a", "sender": "\\udfff"}',
    "bad utf-8": b'{"message": "\xff\xfe"}',
    "utf-8 surrogate": b'{"message": "\xed\xa0\x80"}',
    "message is a number": b'{"message": 1}',
    "message is a list": b'{"message": ["a"]}',
    "message is an object": b'{"message": {"text": "a"}}',
    "message is true": b'{"message": true}',
    "message too long": b'{"message": "' + b"x" * 4001 + b'"}',
    "sender is a list": b'{"message": "a", "sender": ["b"]}',
    "sender is true": b'{"message": "a", "sender": true}',
    "sender too long": b'{"message": "a", "sender": "' + b"x" * 256 + b'"}',
    "metadata is a list": b'{"message": "a", "metadata": [1]}',
    "metadata is text": b'{"message": "a", "metadata": "x"}',
    "message id is a list": b'{"message": "a", "message_id": []}',
    "message id too long": b'{"message": "a", "message_id": "' + b"x" * 300 + b'"}',
    "input channel is an object": b'{"message": "a", "input_channel": {}}',
    "gzip bytes": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "form": b"sender=a&message=b",
    "xml": b"<?xml version='1.0'?><a/>",
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_wrong_body_is_refused(site: RunningSite, name: str) -> None:
    async with aiohttp.ClientSession(site.url) as http, http.post(WEBHOOK, data=BODIES[name]) as answer:
        told = await answer.json()
        assert answer.status == (413 if name == "huge" else 400), told
        assert told["message"]
        assert told["message_zh"]
        assert told["status"] == answer.status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", WEBHOOK, 405),
        ("PUT", WEBHOOK, 405),
        ("DELETE", WEBHOOK, 405),
        ("PATCH", WEBHOOK, 405),
        ("POST", "/webhooks/rest/", 405),
        ("GET", "/webhooks/nothing/webhook", 404),
        ("GET", "/%00", 404),
        ("GET", "/widget/..%2f..%2fchannel.py", 404),
        ("GET", "/widget/../channel.py", 404),
        ("GET", "/widget/%2e%2e/channel.py", 404),
        ("GET", "/webhooks/web/session", 405),
        ("GET", "/webhooks/web/socket", 400),
        ("POST", "/health", 405),
    ],
)
async def test_wrong_methods_and_paths(site: RunningSite, method: str, path: str, status: int) -> None:
    async with aiohttp.ClientSession(site.url) as http, http.request(method, path) as answer:
        assert answer.status == status
        assert (await answer.json())["status"] == status


POST = b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\n"
RAW = {
    "no http": b"hello\r\n\r\n",
    "bad version": b"GET / HTTP/9.9\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "space in header": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "huge header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "bad length": POST + b"Content-Length: abc\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "both lengths": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
    "bad encoding": POST + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "nul in path": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad bytes in path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad upgrade": b"GET /webhooks/web/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "bad key": b"GET /webhooks/web/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ???\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
async def test_bytes_that_are_no_request(site: RunningSite, name: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(RAW[name])
    await writer.drain()
    try:
        head = await asyncio.wait_for(reader.read(64), 5)
    except ConnectionResetError:
        head = b""
    writer.close()
    assert b" 5" not in head[8:12], head
    async with aiohttp.ClientSession(site.url) as http, http.get("/health") as answer:
        assert answer.status == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
fields = st.sampled_from(["sender", "message", "metadata", "message_id", "input_channel", "stream", "x"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(fields, json_values))
def test_no_json_object_brings_a_5xx(site: RunningSite, body: dict[str, Any]) -> None:
    async def post() -> int:
        async with aiohttp.ClientSession(site.url) as http, http.post(WEBHOOK, data=json.dumps(body)) as answer:
            return answer.status

    assert asyncio.run(post()) in (200, 400)


@given(st.binary(max_size=200))
def test_parse_object_refuses_or_returns_an_object(data: bytes) -> None:
    try:
        value: Any = parse_object(data)
    except Refusal as refusal:
        value = {"refused": refusal.status}
    assert isinstance(value, dict)
    assert value.get("refused", 400) == 400


async def test_every_answer_carries_the_security_headers(site: RunningSite) -> None:
    async with aiohttp.ClientSession(site.url) as http:
        for path in ("/health", "/ready", "/nothing", "/widget.js", WEBHOOK):
            async with http.get(path) as answer:
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
                assert "unsafe" not in answer.headers["Content-Security-Policy"]
                assert answer.headers["Referrer-Policy"]
                assert answer.headers["X-Request-Id"]
                assert "aiohttp" not in answer.headers["Server"]
