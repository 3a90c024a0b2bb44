"""What an action may know of the turn that it runs in, besides the tracker."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.turn import Availability

T = TypeVar("T")


@dataclass(slots=True)
class Situation:
    """One per turn.

    Args:
        turn_id: key of the turn; the same turn tried again has the same key, and draws the same variations.
        channel: name of the shopper's channel, for responses made for one channel.
        availability: the desk at this moment.
        metadata: what the channel told with the message.
        time: when the turn began, in seconds since the epoch.
        language: of the engine's own words where the conversation does not tell, as in config.yml.
    """

    turn_id: str = ""
    channel: str | None = None
    availability: Availability = "present"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    time: float = 0.0
    language: str = ""
    _random: random.Random | None = None

    def choose(self, choices: Sequence[T]) -> T:
        """One of `choices` (at least one), by the turn's own luck."""
        if len(choices) == 1:
            return choices[0]
        if self._random is None:
            self._random = random.Random(self.turn_id)
        return self._random.choice(choices)
