"""Who is at the desk: pages that are open keep their operator present."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

from bot.ledger.operator_store import OperatorStore, State
from bot.turn import Availability
from connectors.desk.opening import OpeningHours

PRESENT_S = 45.0
"""How long after its last sign of life a desk counts as open."""
ALIVE_S = 15.0
"""How often an open desk gives one."""
KNOWN_S = 1.0
"""How long an answer is good for: the bot asks at every message."""


class Attendance:
    """Presence of operators, and what the bot may promise."""

    def __init__(self, operators: OperatorStore, hours: OpeningHours) -> None:
        self._operators = operators
        self._hours = hours
        self._pages: Counter[str] = Counter()
        self._present = False
        self._asked_at = float("-inf")

    async def came(self, name: str) -> None:
        """A page of this operator was opened."""
        self._pages[name] += 1
        await self.alive(name)
        self._forget()

    async def alive(self, name: str) -> None:
        """A page of this operator is still open."""
        await self._operators.seen(name)

    async def went(self, name: str) -> None:
        """A page of this operator was closed; with the last one the operator is gone."""
        self._pages[name] -= 1
        if self._pages[name] <= 0:
            del self._pages[name]
            await self._operators.left(name)
        self._forget()

    async def set_state(self, name: str, state: State) -> None:
        """What the operator chose."""
        await self._operators.set_state(name, state)
        self._forget()

    async def availability(self) -> Availability:
        """Whether a shopper who asks for a person now will find one."""
        if not self._hours.is_open(datetime.now(UTC)):
            return "closed"
        if time.monotonic() - self._asked_at > KNOWN_S:
            self._present = await self._operators.anyone_present(within_s=PRESENT_S)
            self._asked_at = time.monotonic()
        return "present" if self._present else "absent"

    def _forget(self) -> None:
        self._asked_at = float("-inf")
