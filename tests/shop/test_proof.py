"""Proof of identity: who gets in, who does not, and what neither learns."""

from __future__ import annotations

import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, select

from bot.shop import schema
from bot.shop.proof import MAX_FAILURES, MAX_MAILS, MAX_REQUESTS, PROOF_VALID_S, Proof
from tests.shop.conftest import Bench, known

DELIVERED, PENDING, OTHER = known("delivered"), known("pending"), known("processed")


def ask(bench: Bench, chat: str, *, number: str = DELIVERED.number, contact: str = DELIVERED.email) -> str:
    return bench.shop.proofs.request(chat, number, contact, effect=uuid.uuid4().hex)


def check(bench: Bench, chat: str, code: str) -> str:
    return bench.shop.proofs.check(chat, code, effect=uuid.uuid4().hex)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_right_code_proves_the_customer_to_this_conversation_only(bench: Bench, chat: str) -> None:
    assert ask(bench, chat) == "asked"
    (code,) = bench.codes(DELIVERED.email)
    assert check(bench, chat + "x", code) == "wrong"
    assert check(bench, chat, code) == "proven"
    proof = bench.shop.proofs.holder(chat)
    assert proof is not None
    assert proof.customer_id == DELIVERED.customer
    assert bench.shop.proofs.holder(chat + "x") is None
    assert bench.shop.proofs.holder(chat.replace("rest:", "web:")) is None


def test_orders_of_others_are_as_unknown_as_none(bench: Bench, chat: str) -> None:
    ask(bench, chat)
    check(bench, chat, bench.codes(DELIVERED.email)[0])
    proof = bench.shop.proofs.holder(chat)
    assert proof is not None
    assert bench.shop.order(proof, DELIVERED.number) is not None
    assert bench.shop.order(proof, OTHER.number) is None
    assert bench.shop.order(proof, "#W0000000") is None
    assert {order.customer_id for order in bench.shop.orders(proof)} == {DELIVERED.customer}


def test_nobody_else_makes_a_proof() -> None:
    with pytest.raises(TypeError):
        Proof("rest:a", DELIVERED.customer, 1e12)
    with pytest.raises(TypeError):
        Proof("rest:a", DELIVERED.customer, 1e12, object())


@pytest.mark.parametrize(
    ("number", "contact"),
    [(DELIVERED.number, OTHER.email), ("#W0000000", DELIVERED.email), ("#W0000000", "nobody@example.org"), ("", "")],
)
def test_wrong_and_unknown_answer_alike_and_send_nothing(bench: Bench, chat: str, number: str, contact: str) -> None:
    def statements(number: str, contact: str, chat: str) -> list[str]:
        seen: list[str] = []
        caller = threading.get_ident()

        def note(*call: object) -> None:
            if threading.get_ident() == caller:  # the mail's own thread is not what the shopper waits for
                seen.append(str(call[2]))

        event.listen(bench.engine, "before_cursor_execute", note)
        assert ask(bench, chat, number=number, contact=contact) == "asked"
        event.remove(bench.engine, "before_cursor_execute", note)
        return seen

    right = statements(DELIVERED.number, DELIVERED.email, chat)
    bench.codes(DELIVERED.email)
    before = len(list(bench.folder.glob("*.eml")))
    wrong = statements(number, contact, chat + "w")
    bench.mails.close()
    assert len(list(bench.folder.glob("*.eml"))) == before
    # The same statements, but for the row lock of an order number that could not be read.
    assert [text.split("(")[0] for text in wrong if number] == [text.split("(")[0] for text in right if number]
    assert check(bench, chat + "w", "123456") == "wrong"


def test_five_wrong_codes_lock_conversation_and_order(bench: Bench, chat: str) -> None:
    ask(bench, chat)
    (code,) = bench.codes(DELIVERED.email)
    outcomes = [check(bench, chat, other_than(code)) for _ in range(MAX_FAILURES)]
    assert outcomes == ["wrong"] * (MAX_FAILURES - 1) + ["locked"]
    assert check(bench, chat, code) == "locked"
    assert ask(bench, chat, number=OTHER.number, contact=OTHER.email) == "locked"
    assert ask(bench, chat + "x") == "locked", "the order is locked for everybody"
    assert ask(bench, chat + "x", number=OTHER.number, contact=OTHER.email) == "asked"
    bench.clock.now += 15 * 60 + 1
    assert ask(bench, chat) == "asked"
    assert check(bench, chat, bench.codes(DELIVERED.email)[-1]) == "proven"


def test_tries_count_over_all_codes_of_a_conversation(bench: Bench, chat: str) -> None:
    orders = [DELIVERED, PENDING, OTHER, known("cancelled"), known("cancelled", 1)]
    outcomes = []
    for order in orders:
        ask(bench, chat, number=order.number, contact=order.email)
        outcomes.append(check(bench, chat, other_than(bench.codes(order.email)[-1])))
    assert outcomes == ["wrong"] * 4 + ["locked"]


def test_tries_count_over_all_conversations_of_an_order(bench: Bench, chat: str) -> None:
    outcomes = []
    for index in range(5):
        ask(bench, f"{chat}{index}", contact="guess@example.org")
        outcomes.append(check(bench, f"{chat}{index}", "000000"))
    assert outcomes == ["wrong"] * 4 + ["locked"]


def test_codes_expire_and_work_once(bench: Bench, chat: str) -> None:
    ask(bench, chat)
    (code,) = bench.codes(DELIVERED.email)
    bench.clock.now += 601
    assert check(bench, chat, code) == "expired"
    assert bench.shop.proofs.holder(chat) is None
    ask(bench, chat)
    newest = bench.codes(DELIVERED.email)[-1]
    assert check(bench, chat, newest) == "proven"
    bench.clock.now += PROOF_VALID_S
    assert bench.shop.proofs.holder(chat) is None
    assert check(bench, chat, newest) == "expired"


def test_an_old_proof_object_opens_nothing(bench: Bench, chat: str) -> None:
    ask(bench, chat)
    check(bench, chat, bench.codes(DELIVERED.email)[0])
    proof = bench.shop.proofs.holder(chat)
    assert proof is not None
    bench.clock.now += PROOF_VALID_S + 1
    assert bench.shop.order(proof, DELIVERED.number) is None
    assert bench.shop.orders(proof) == ()


def test_only_the_newest_code_counts(bench: Bench, chat: str) -> None:
    ask(bench, chat)
    ask(bench, chat)
    first, second = bench.codes(DELIVERED.email)
    if first != second:
        assert check(bench, chat, first) == "wrong"
    assert check(bench, chat, second) == "proven"


def test_a_conversation_can_not_ask_for_codes_for_ever(bench: Bench, chat: str) -> None:
    outcomes = [ask(bench, chat) for _ in range(MAX_REQUESTS + 1)]
    assert outcomes == ["asked"] * MAX_REQUESTS + ["limited"]
    assert len(bench.codes(DELIVERED.email)) == MAX_REQUESTS
    wrong = [ask(bench, chat + "w", contact="nobody@example.org") for _ in range(MAX_REQUESTS + 1)]
    assert wrong == outcomes, "the limit tells nothing either"


def test_an_address_is_not_bombed_from_many_conversations(bench: Bench, chat: str) -> None:
    outcomes = {ask(bench, f"{chat}{index}") for index in range(MAX_MAILS + 4)}
    assert outcomes == {"asked"}
    assert len(bench.codes(DELIVERED.email)) == MAX_MAILS


def test_the_same_turn_again_changes_nothing(bench: Bench, chat: str) -> None:
    proofs = bench.shop.proofs
    for _ in range(3):
        assert proofs.request(chat, DELIVERED.number, DELIVERED.email, effect=f"{chat}1") == "asked"
    (code,) = bench.codes(DELIVERED.email)
    for _ in range(MAX_FAILURES + 1):
        assert proofs.check(chat, other_than(code), effect=f"{chat}2") == "wrong"
    assert [proofs.check(chat, code, effect=f"{chat}3") for _ in range(2)] == ["proven", "proven"]


def test_a_crash_before_the_mail_sends_it_in_the_second_run(bench: Bench, chat: str) -> None:
    proofs = bench.shop.proofs
    proofs.request(chat, DELIVERED.number, DELIVERED.email, effect=f"{chat}1")
    (lost,) = bench.codes(DELIVERED.email)
    with bench.engine.begin() as connection:  # as a process that was killed before it sent would leave the row
        connection.execute(
            schema.code_request.update().where(schema.code_request.c.effect == f"{chat}1").values(mailed_at=None)
        )
    proofs.request(chat, DELIVERED.number, DELIVERED.email, effect=f"{chat}1")
    proofs.request(chat, DELIVERED.number, DELIVERED.email, effect=f"{chat}1")
    codes = bench.codes(DELIVERED.email)
    assert codes[0] == lost
    assert len(codes) == 2
    assert proofs.check(chat, codes[1], effect=f"{chat}2") == "proven"


def test_codes_are_kept_as_keyed_hashes(bench: Bench, chat: str) -> None:
    ask(bench, chat)
    (code,) = bench.codes(DELIVERED.email)
    with bench.engine.begin() as connection:
        row = connection.execute(select(schema.code_request).where(schema.code_request.c.conversation_id == chat)).one()
    assert code not in row.digest
    assert not any(DELIVERED.email in str(value) for value in row)


def test_rival_guesses_do_not_get_more_tries(bench: Bench, chat: str) -> None:
    ask(bench, chat)
    (code,) = bench.codes(DELIVERED.email)
    start = threading.Barrier(8)

    def guess(_: int) -> str:
        start.wait()
        return check(bench, chat, other_than(code))

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(8)))
    assert outcomes.count("wrong") == MAX_FAILURES - 1
    assert check(bench, chat, code) == "locked"


def test_logs_hold_no_personal_data(bench: Bench, chat: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(bench, chat)
    (code,) = bench.codes(DELIVERED.email)
    check(bench, chat, other_than(code))
    check(bench, chat, code)
    text = caplog.text.lower()
    for secret in (DELIVERED.email, code, other_than(code), DELIVERED.number.lower()):
        assert secret not in text


def test_old_requests_are_forgotten(bench: Bench, chat: str) -> None:
    def rows() -> int:
        tables = (schema.code_request.c.conversation_id, schema.proof.c.conversation_id)
        with bench.engine.begin() as connection:
            return sum(len(connection.execute(select(column).where(column == chat)).all()) for column in tables)

    ask(bench, chat)
    check(bench, chat, bench.codes(DELIVERED.email)[0])
    bench.shop.proofs.prune()
    assert rows() == 2
    bench.clock.now += 2 * 86_400
    bench.shop.proofs.prune()
    assert rows() == 0
