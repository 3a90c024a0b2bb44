"""A turn in the making: a tracker of its own, the events so far, a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.events import ActionExecuted, BotUttered, Event, UserUttered, now
from bot.execution.response import to_outbound
from bot.execution.situation import Situation
from bot.messages import Status
from bot.tracker import Tracker
from bot.turn import Turn

_TICK_S = 1e-6
"""Between two events of a turn; the smallest step that a float of seconds since the epoch shows."""


class Decision:
    """One turn being decided.

    Args:
        tracker: the conversation before the turn; a copy is made.
        accepted_at: when the message was accepted, in seconds since the epoch; None for now.
        stamp: metadata that every event gets.
    """

    def __init__(
        self, tracker: Tracker, situation: Situation, accepted_at: float | None, stamp: Mapping[str, Any]
    ) -> None:
        self.tracker = tracker.copy()
        self.tracker.settle()  # a tracker that was kept is to equal one that was read again
        self.situation = situation
        self.status: Status | None = None
        self.executed = 0
        """Actions since the last one that listened."""
        self._stamp = stamp
        self._start = len(tracker.events)
        last = tracker.events[-1].timestamp if tracker.events else None
        self._time = float(accepted_at) if accepted_at is not None else now()
        if last is not None and self._time <= last:
            self._time = last + _TICK_S
        self.situation.time = self._time

    @property
    def is_silent(self) -> bool:
        """Whether the conversation is paused; a restart wakes it."""
        message = self.tracker.latest_message
        return self.tracker.paused and not (message and message.intent == "restart")

    def needs_session(self, expiration_min: float) -> bool:
        """Whether no action ran yet, or the shopper was silent for longer than a session lasts."""
        if self.tracker.latest_action_name is None:
            return True
        applied = reversed(self.tracker.applied_events())
        last = next((event for event in applied if isinstance(event, UserUttered)), None)
        if last is None or last.timestamp is None or expiration_min <= 0:
            return False
        return self._time - last.timestamp > expiration_min * 60

    def stamped(self, events: Iterable[Event]) -> list[Event]:
        """The events with time and metadata."""
        found = []
        for event in events:
            metadata = {**event.metadata, **self._stamp} if event.metadata else self._stamp
            found.append(replace(event, timestamp=self._time, metadata=metadata))
            self._time += _TICK_S
        return found

    def add(self, events: Iterable[Event]) -> None:
        """Stamp the events and apply them to the turn's tracker."""
        self.note(self.stamped(events))

    def note(self, events: Iterable[Event]) -> None:
        """Apply events that are stamped."""
        for event in events:
            self.tracker.apply(event)
            if isinstance(event, ActionExecuted):
                self.executed = 0 if event.name in ("action_listen", "action_session_start") else self.executed + 1

    def trial(self, events: Sequence[Event]) -> Tracker:
        """The turn's tracker with `events` applied, which an action may yet throw away by refusing to run."""
        if not events:
            return self.tracker
        trial = self.tracker.copy()
        trial.apply_all(events)
        return trial

    def turn(self) -> Turn:
        """What was decided."""
        events = tuple(self.tracker.events[self._start :])
        messages = tuple(to_outbound(event) for event in events if isinstance(event, BotUttered))
        return Turn(events=events, messages=messages, status=self.status)
