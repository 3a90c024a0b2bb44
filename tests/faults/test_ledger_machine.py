"""Random histories of a store against a model of it: send, repeat, claim, pause, crash, take over, hand back."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import FenceLost
from bot.events import UserUttered
from bot.ledger import Store, open_ledger
from bot.ledger.ledger import Claim
from bot.ledger.signal import Signal
from bot.messages import InboundMessage, OutboundMessage
from bot.turn import Turn

T = TypeVar("T")
MEMORY = Path("/dev/shm")  # what is tried here is order, not the disk

SENDERS = st.sampled_from(["ann", "bob", "eve"])
BREAKS = 5
"""Pauses and crashes in one history: more of them and a message may rightly be given up."""

OPERATORS = st.sampled_from(["Ana", "Ben"])


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.exists() else None)
        self.store: Store = self.wait(self.opening())
        self.sent: dict[str, list[str]] = {"ann": [], "bob": [], "eve": []}
        self.spoken: dict[str, list[str]] = {"ann": [], "bob": [], "eve": []}
        self.owner: dict[str, str | None] = {}
        self.live: dict[str, Claim] = {}
        self.stale: list[Claim] = []
        self.breaks = 0

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def opening(self) -> Store:
        return await open_ledger(f"sqlite:///{self.folder}/store.db", signal=Signal(), serve=True)

    def fence(self, sender: str) -> None:
        if claim := self.live.pop(sender, None):
            self.stale.append(claim)

    @rule(sender=SENDERS)
    def send(self, sender: str) -> None:
        key = f"{len(self.sent[sender])}"
        assert self.wait(self.store.ledger.accept(InboundMessage(key, sender, "web", key))).new
        self.sent[sender].append(key)

    @rule(sender=SENDERS, data=st.data())
    def send_again(self, sender: str, data: st.DataObject) -> None:
        if keys := [key for key in self.sent[sender] if key]:
            key = data.draw(st.sampled_from(keys))
            assert not self.wait(self.store.ledger.accept(InboundMessage(key, sender, "web", key))).new

    @rule(limit=st.integers(1, 3), paused=st.booleans())
    def claim(self, limit: int, paused: bool) -> None:
        paused = paused and self.breaks < BREAKS
        self.breaks += paused
        claims = self.wait(self.store.ledger.claim(limit=limit, lease_s=0 if paused else 900))
        assert len(claims) <= limit
        for claim in claims:
            sender = claim.message.sender_id
            assert sender not in self.live, "leased to two"
            (self.stale.append(claim) if paused else self.live.__setitem__(sender, claim))

    def turn(self, claim: Claim) -> Turn:
        silent = claim.status in ("human", "queued")
        words = () if silent else (OutboundMessage(text=claim.message.text),)
        return Turn((UserUttered(text=claim.message.text, timestamp=1.0),), words)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), ask=st.booleans())
    def commit(self, data: st.DataObject, ask: bool) -> None:
        sender = data.draw(st.sampled_from(sorted(self.live)))
        claim = self.live.pop(sender)
        assert self.owner.get(sender) is None or claim.status == "human"
        turn = self.turn(claim)
        if ask and claim.status == "bot":
            turn = Turn(turn.events, turn.messages, "queued")
        self.wait(self.store.ledger.commit(claim, turn))
        self.spoken[sender] += [str(message.text) for message in turn.messages]
        self.stale.append(claim)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        sender = data.draw(st.sampled_from(sorted(self.live)))
        claim = self.live.pop(sender)
        if claim.attempts < 5:
            self.wait(self.store.ledger.fail(claim, "no", retry_after_s=0))
            self.stale.append(claim)
        else:
            self.live[sender] = claim

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def commit_late(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.stale))
        try:
            self.wait(self.store.ledger.commit(claim, self.turn(claim)))
        except FenceLost:
            return
        # Its lease was over, but nobody had claimed since: then it is on time after all.
        assert claim.message.sender_id not in self.live
        self.spoken[claim.message.sender_id] += [] if claim.status in ("human", "queued") else [claim.message.text]

    @precondition(lambda self: self.breaks < BREAKS)
    @rule()
    def crash(self) -> None:
        self.breaks += 1
        self.wait(self.store.close())
        self.store = self.wait(self.opening())
        for sender in list(self.live):
            self.fence(sender)

    @rule(sender=SENDERS, operator=OPERATORS)
    def take_over(self, sender: str, operator: str) -> None:
        taken = self.wait(self.store.desk.claim_conversation(f"web:{sender}", operator))
        assert taken == (bool(self.sent[sender]) and self.owner.get(sender) in (None, operator))
        if taken:
            self.owner[sender] = operator
            self.fence(sender)

    @precondition(lambda self: any(self.owner.values()))
    @rule(data=st.data(), back=st.booleans())
    def let_go(self, data: st.DataObject, back: bool) -> None:
        sender = data.draw(st.sampled_from([name for name, owner in self.owner.items() if owner]))
        operator = str(self.owner[sender])
        desk = self.store.desk
        self.wait((desk.hand_back if back else desk.resolve)(f"web:{sender}", operator))
        if back:
            self.sent[sender].append("")
        self.owner[sender] = None
        self.fence(sender)

    @precondition(lambda self: any(self.owner.values()))
    @rule(data=st.data(), operator=OPERATORS, key=st.integers(0, 3))
    def say(self, data: st.DataObject, operator: str, key: int) -> None:
        sender = data.draw(st.sampled_from([name for name, owner in self.owner.items() if owner]))
        message = OutboundMessage(text="words", origin="operator")
        try:
            self.wait(self.store.desk.say(f"web:{sender}", operator, message, key=f"{operator}{key}"))
        except PermissionError:
            assert operator != self.owner[sender]
        else:
            self.fence(sender) if operator == self.owner[sender] else None

    @invariant()
    def order_and_numbers_hold(self) -> None:
        for sender in getattr(self, "sent", ()):
            events = self.wait(self.store.ledger.events(f"web:{sender}"))
            heard = [event.text for event in events if isinstance(event, UserUttered)]
            assert heard == self.sent[sender][: len(heard)], "lost, doubled or out of order"
            lines = self.wait(self.store.outbox.transcript(f"web:{sender}"))
            seqs = [line.seq for line in lines]
            assert seqs == sorted(set(seqs))
            assert [line.message.text for line in lines if line.who == "bot"] == self.spoken[sender]

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for sender in list(self.live):
            self.fence(sender)
        self.crash()
        while claims := self.wait(self.store.ledger.claim(limit=9, lease_s=900)):
            for claim in claims:
                turn = self.turn(claim)
                self.wait(self.store.ledger.commit(claim, turn))
                self.spoken[claim.message.sender_id] += [str(message.text) for message in turn.messages]
        self.order_and_numbers_hold()
        for sender, sent in self.sent.items():
            assert len(self.wait(self.store.ledger.events(f"web:{sender}"))) >= len(sent)
        self.wait(self.store.close())
        self.loop.close()
        shutil.rmtree(self.folder)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
