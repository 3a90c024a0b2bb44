"""One conversation: the fold of its events, and what policies see of it."""

from bot.tracker.fold import Fold, Loop
from bot.tracker.slot import REQUESTED_SLOT, SESSION_METADATA_SLOT, SHOULD_NOT_BE_SET
from bot.tracker.state import State
from bot.tracker.tracker import EventSelection, Tracker

__all__ = [
    "REQUESTED_SLOT",
    "SESSION_METADATA_SLOT",
    "SHOULD_NOT_BE_SET",
    "EventSelection",
    "Fold",
    "Loop",
    "State",
    "Tracker",
]
