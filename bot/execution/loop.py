"""Loops: actions that stay active over several turns. Forms and the two-stage fallback are loops.

Source: recorded conversations of Rasa 3.6.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.events import ActiveLoop, Event
from bot.execution.situation import Situation
from bot.tracker import Tracker


class Loop(Protocol):
    """One kind of loop. `so_far`: the events of this run, not yet in the tracker."""

    name: str

    async def activate(self, tracker: Tracker, situation: Situation) -> list[Event]: ...

    async def do(self, tracker: Tracker, situation: Situation, so_far: Sequence[Event]) -> list[Event]: ...

    def is_done(self, tracker: Tracker, so_far: Sequence[Event]) -> bool: ...

    async def deactivate(self, tracker: Tracker, situation: Situation, so_far: Sequence[Event]) -> list[Event]: ...


async def run_loop(loop: Loop, tracker: Tracker, situation: Situation) -> list[Event]:
    """Activate if needed, work if not done, deactivate if done."""
    events: list[Event] = []
    if tracker.active_loop_name != loop.name:
        events.append(ActiveLoop(name=loop.name))
        events += await loop.activate(tracker, situation)
    if not loop.is_done(tracker, events):
        events += await loop.do(tracker, situation, events)
    if loop.is_done(tracker, events):
        events.append(ActiveLoop(name=None))
        events += await loop.deactivate(tracker, situation, events)
    return events
