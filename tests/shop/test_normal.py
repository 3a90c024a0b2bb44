"""One spelling for what shoppers type in many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.shop import normal

DIGITS = st.text("0123456789", min_size=7, max_size=7)
WIDE = str.maketrans("0123456789#W@.", "０１２３４５６７８９＃Ｗ＠．")
SPACE = st.sampled_from(["", " ", "\u3000", "\t", "\u200b", "\n"])


@given(DIGITS, st.sampled_from(["#W", "W", "w", "#w"]), st.booleans(), SPACE, SPACE)
def test_order_numbers(digits: str, head: str, is_wide: bool, before: str, between: str) -> None:
    typed = before + head + between + digits + before
    assert normal.order_number(typed.translate(WIDE) if is_wide else typed) == f"#W{digits}"


@given(st.text("0123456789", min_size=6, max_size=6), st.sampled_from(["", " ", "-", "\u3000"]), st.booleans())
def test_codes(code: str, between: str, is_wide: bool) -> None:
    typed = code[:3] + between + code[3:]
    typed = typed.translate(WIDE) if is_wide else typed
    assert normal.code(typed) == code
    assert normal.code(f"验证码是{typed}。") == code
    assert normal.code(f"it is {typed}, I think") == code


@given(st.from_regex(r"[a-z0-9][a-z0-9.]{0,20}@[a-z0-9]{1,10}\.[a-z]{2,4}", fullmatch=True), SPACE, st.booleans())
def test_emails(address: str, space: str, is_wide: bool) -> None:
    typed = space + address.upper() + space
    assert normal.email(typed.translate(WIDE) if is_wide else typed) == address


@given(st.text("0123456789", min_size=8, max_size=14).filter(lambda digits: not digits.startswith("00")), st.booleans())
def test_phones(digits: str, is_wide: bool) -> None:
    typed = f"({digits[:3]}) {digits[3:5]}-{digits[5:]}"
    assert normal.phone(typed.translate(WIDE) if is_wide else typed) == digits
    assert normal.phone(f"+{digits}") == normal.phone(f"00{digits}") == f"+{digits}"


@given(st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text())))
def test_anything_is_answered_and_answers_are_final(typed: object) -> None:
    for read in (normal.order_number, normal.email, normal.phone, normal.contact, normal.code):
        found = read(typed)
        assert found is None or read(found) == found
    assert "\x00" not in normal.storable(typed)
    normal.storable(typed).encode()


@pytest.mark.parametrize("typed", ["W261134", "#W26113400", "X2611340", "2611340", "", "W26113４O", "#W²²²²²²²"])
def test_no_order_number(typed: str) -> None:
    assert normal.order_number(typed) in (None, "#W2222222")
    assert (normal.order_number(typed) is not None) == (typed == "#W²²²²²²²")


@pytest.mark.parametrize("typed", ["12345", "1234567", "123 456 or 654 321", "", "abcdef"])
def test_no_code(typed: str) -> None:
    assert normal.code(typed) is None


@pytest.mark.parametrize(
    ("sentence", "contact"),
    [
        ("it's someone@example.com.", "someone@example.com"),
        ("我的邮箱是Ann.Lee@Example.com，谢谢", "ann.lee@example.com"),
        ("call +86 138-0013-8000 please", "+8613800138000"), ("手机１３８００１３８０００", "13800138000"),
        ("no idea", None), ("@", None), ("order #W2611340 of 12", None), ("1" * 40, None),
    ],
)  # fmt: skip
def test_contacts_in_sentences(sentence: str, contact: str | None) -> None:
    assert normal.contact_in(sentence) == contact


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        ("where is #W2611340?", "#W2611340"),
        ("订单w 2611340到哪了", "#W2611340"),
        ("W26113405", None),
        ("XW2611340", None),
    ],
)
def test_order_numbers_in_sentences(sentence: str, number: str | None) -> None:
    assert normal.order_number_in(sentence) == number
