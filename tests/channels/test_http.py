"""HTTP manners that need no server: the rate limit, addresses, buttons' addresses, signatures."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import RateLimit, Refusal
from connectors.web.payloads import web_url
from connectors.web.session import Signer

SECRET = b"a secret of thirty-two bytes or more"


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.integers(1, 10))
def test_no_more_than_burst_plus_rate_passes(gaps: list[float], burst: int) -> None:
    limit = RateLimit(2, burst=burst)
    now, passed = 0.0, 0
    for gap in gaps:
        now += gap
        passed += limit.wait_s("key", now=now) == 0
    assert passed <= burst + 2 * now + 1


def test_the_wait_is_long_enough_and_keys_are_apart() -> None:
    limit = RateLimit(0.5, burst=1)
    assert limit.wait_s("a", now=0) == 0
    wait_s = limit.wait_s("a", now=0)
    assert wait_s == pytest.approx(2)
    assert limit.wait_s("b", now=0) == 0
    assert limit.wait_s("a", now=wait_s) == 0
    with pytest.raises(Refusal) as refused:
        RateLimit(1e-9, burst=1, size=1).check("a") or RateLimit(1e-9, burst=0).check("a")
    assert refused.value.status == 429


def test_forgotten_keys_do_not_grow_without_end() -> None:
    limit = RateLimit(1, burst=1, size=10)
    for number in range(1000):
        limit.wait_s(str(number), now=0)
    assert len(limit._buckets) == 10


@given(st.text(alphabet=string.printable, max_size=40))
def test_only_web_addresses_and_own_paths_pass(value: str) -> None:
    url = web_url(value)
    assert url is None or url.lower().startswith(("http://", "https://")) or (url[0] == "/" and url[1:2] != "/")


@pytest.mark.parametrize("value", ["https://a.example/x?y=1#z", "http://a.example", "/storefront/x.svg", "/"])
def test_good_addresses(value: str) -> None:
    assert web_url(value) == value


@given(st.text(), st.text(), st.text(), st.text())
def test_a_button_is_bound_to_conversation_title_and_payload(a: str, b: str, c: str, d: str) -> None:
    signer = Signer(SECRET)
    signature = signer.sign_button(a, b, c)
    assert signer.offered(signature, a, b, c)
    assert signer.offered(signature, d, b, c) == (d == a)
    assert signer.offered(signature, a, d, c) == (d == b)
    assert signer.offered(signature, a, b, d) == (d == c)


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_=.", max_size=200))
def test_no_made_up_token_is_taken(token: str) -> None:
    assert Signer(SECRET).shopper_of(token, now=0) is None
