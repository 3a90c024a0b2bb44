"""One conversation as its events, and what they amount to.

Two folds run side by side. `now` is what actions and channels see: every event applied as it came. `_folds` is what
policies see: the applied events only, in which undone turns are gone and the happy path of a form is one execution.
Both are immutable values, so a copy is a few pointer copies and a turn can be folded on a copy and thrown away.

Source: behaviour of Rasa 3.6.21 as recorded (tracker JSON, conversations with restart, back, fallback and forms).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, Self

from bot import events as ev
from bot.domain import Domain
from bot.messages import Json
from bot.tracker.fold import Fold, Loop, latest_message_json, start, world_of
from bot.tracker.slot import SHOULD_NOT_BE_SET

EventSelection = Literal["NONE", "APPLIED", "AFTER_RESTART", "ALL"]

_GONE_WITH_LOOP = (ev.ActionExecuted, ev.UserUttered, ev.DefinePrevUserUtteredFeaturization, ev.EntitiesAdded)


class Tracker:
    """The state of one conversation: a fold of its events.

    Args:
        sender_id: the conversation's id.
        domain: says which slots there are; does not change during a tracker's life.
    """

    def __init__(self, sender_id: str, domain: Domain) -> None:
        self.sender_id = sender_id
        self.domain = domain
        self.events: list[ev.Event] = []
        self.now: Fold = start(world_of(domain))
        self._applied: list[ev.Event] = []
        self._folds: list[Fold] = [self.now]  # _folds[i]: after _applied[:i]
        self._loops: frozenset[str] = frozenset()  # names of loops that ever started
        self._restarted_at = 0
        self._channel: str | None = None

    @classmethod
    def from_events(cls, sender_id: str, domain: Domain, events: Iterable[ev.Event]) -> Self:
        """A stored conversation: these events applied, and settled (see `settle`)."""
        tracker = cls(sender_id, domain)
        tracker.apply_all(events)
        tracker.settle()
        return tracker

    def settle(self) -> None:
        """Let `now` be what the applied events alone amount to, as Rasa has it when it loads a conversation: while a
        form is on its happy path, the latest message is the one that started it."""
        self.now = self._folds[-1]

    def copy(self) -> Tracker:
        """An independent tracker with the same history; cheap."""
        other = Tracker.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.events, other._applied, other._folds = self.events[:], self._applied[:], self._folds[:]
        return other

    # What happened

    @property
    def slots(self) -> dict[str, Any]:
        """Name -> value, in the domain's order; a new dict."""
        return dict(self.now.slots)

    def slot(self, name: str) -> Any:
        """The slot's value; None when it is empty or unknown."""
        return self.now.slots.get(name)

    @property
    def latest_message(self) -> ev.UserUttered | None:
        return self.now.message

    @property
    def latest_entities(self) -> list[Json]:
        """The latest message's entities with those that policies added."""
        return list(self.now.entities)

    @property
    def latest_action_name(self) -> str | None:
        return self.now.action

    @property
    def active_loop(self) -> Loop | None:
        return self.now.loop

    @property
    def active_loop_name(self) -> str | None:
        """The running loop's name; None also where a rule says that no loop runs."""
        loop = self.now.loop
        return None if loop is None or loop.name == SHOULD_NOT_BE_SET else loop.name

    @property
    def followup_action(self) -> str | None:
        """The action that is due next whatever the policies say (`action_listen` for a tracker without events)."""
        return self.now.followup

    def clear_followup(self) -> None:
        """Forget `followup_action`, as the one who runs it does."""
        if self.now.followup is not None:
            self.now = self.now.but(followup=None)

    @property
    def paused(self) -> bool:
        return self.now.paused

    @property
    def latest_input_channel(self) -> str | None:
        return self._channel

    def applied_events(self) -> list[ev.Event]:
        """Events that still count: nothing before a restart, no undone turn, a form's happy path as one execution."""
        return list(self._applied)

    def events_after_restart(self) -> list[ev.Event]:
        return self.events[self._restarted_at :]

    def moments(self) -> Iterator[tuple[Fold, bool]]:
        """The point before each applied action with the action's `hide_rule_turn`, and the present one with False."""
        for fold, event in zip(self._folds, self._applied, strict=False):
            if type(event) is ev.ActionExecuted:
                yield fold, event.hide_rule_turn
        yield self._folds[-1], False

    # Folding

    def apply_all(self, events: Iterable[ev.Event]) -> None:
        for event in events:
            self.apply(event)

    def apply(self, event: ev.Event) -> None:
        """Add one event."""
        self.events.append(event)
        rewrite = _REWRITES.get(type(event))
        if rewrite is not None:
            rewrite(self)
            return
        before = self._folds[-1]
        self._note(event)
        if isinstance(event, ev.ActionExecuted) and event.name in self._loops and self._repeats_loop(event.name or ""):
            self._cut_to_loop(event.name or "")
            self.now = self.now.after(event)
            return
        after = self._folds[-1].after(event)
        self.now = after if self.now is before else self.now.after(event)
        self._applied.append(event)
        self._folds.append(after)

    def _note(self, event: ev.Event) -> None:
        if isinstance(event, ev.UserUttered):
            self._channel = event.input_channel
        elif isinstance(event, ev.ActiveLoop) and event.name and event.name not in self._loops:
            self._loops |= {event.name}

    def _restart(self, followup: str | None) -> None:
        self._applied, self._folds = [], [start(self.now.world)]
        self.now = self._folds[0] if followup is None else self._folds[0].after(ev.FollowupAction(name=followup))

    def _apply_restarted(self) -> None:
        self._restarted_at = len(self.events)
        self._restart("action_session_start")

    def _apply_session_started(self) -> None:
        self._restart(None)

    def _apply_action_reverted(self) -> None:
        self._drop_to(ev.ActionExecuted)
        self.now = self._folds[-1]

    def _apply_utterance_reverted(self) -> None:
        self._drop_to(ev.UserUttered)
        self._drop_to(ev.ActionExecuted)  # the listen before the message
        self.now = self._folds[-1]

    def _drop_to(self, kind: type[ev.Event]) -> None:
        while self._applied:
            self._folds.pop()
            if isinstance(self._applied.pop(), kind):
                return

    def _repeats_loop(self, loop: str) -> bool:
        """Whether the loop now runs again on its happy path: neither for the first time nor after a detour."""
        following: str | None = None
        for event in reversed(self._applied):
            if isinstance(event, ev.ActiveLoop) and event.name in (None, SHOULD_NOT_BE_SET):
                return False
            if isinstance(event, ev.ActionExecutionRejected) and event.name == loop:
                return False
            if isinstance(event, ev.UserUttered) and following is not None and following != loop:
                return False
            if isinstance(event, ev.ActionExecuted):
                if event.name == loop:
                    return True
                following = event.name
        return False

    def _cut_to_loop(self, loop: str) -> None:
        """Drop messages and actions since the loop's last execution; slots and loop events stay."""
        kept: list[ev.Event] = []
        while self._applied:
            event = self._applied[-1]
            if isinstance(event, ev.ActionExecuted) and event.name == loop:
                break
            self._applied.pop()
            self._folds.pop()
            if not isinstance(event, _GONE_WITH_LOOP):
                kept.append(event)
        for event in reversed(kept):
            self._folds.append(self._folds[-1].after(event))
            self._applied.append(event)

    # Wire

    def to_json(self, events: EventSelection = "AFTER_RESTART") -> Json:
        """Rasa's tracker object, key for key. `events` says which of them to include."""
        now = self.now
        latest: Json = {"action_name": now.action} if now.action else {}
        if now.action_text:
            latest = {"action_text": now.action_text}
        chosen = self._select(events)
        return {
            "sender_id": self.sender_id,
            "slots": self.slots,
            "latest_message": latest_message_json(now.message, now.entities),
            "latest_event_time": self.events[-1].timestamp if self.events else None,
            "followup_action": now.followup,
            "paused": now.paused,
            "events": None if chosen is None else [event.to_json() for event in chosen],
            "latest_input_channel": self._channel,
            "active_loop": now.loop.to_json() if now.loop else {},
            "latest_action": latest,
            "latest_action_name": now.action,
        }

    def _select(self, events: EventSelection) -> list[ev.Event] | None:
        if events == "ALL":
            return self.events
        if events == "AFTER_RESTART":
            return self.events_after_restart()
        return self._applied if events == "APPLIED" else None


_REWRITES = {
    ev.Restarted: Tracker._apply_restarted,
    ev.SessionStarted: Tracker._apply_session_started,
    ev.ActionReverted: Tracker._apply_action_reverted,
    ev.UserUtteranceReverted: Tracker._apply_utterance_reverted,
}
