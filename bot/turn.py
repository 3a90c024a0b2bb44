"""The one thing that deciding gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.events import Event
from bot.messages import OutboundMessage, Status

Availability = Literal["present", "absent", "closed"]
"""The desk at this moment: an operator is there; opening hours but nobody there; outside opening hours."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One inbound message handled.

    Args:
        events: what the turn adds to the tracker, in order, time-stamped.
        messages: what the shopper is to see, in order.
        status: the conversation's new status; None leaves it as it is.
    """

    events: tuple[Event, ...] = ()
    messages: tuple[OutboundMessage, ...] = ()
    status: Status | None = None
