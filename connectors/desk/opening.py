"""Opening hours: the `desk:` section of endpoints.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bot.errors import Problem, ProjectError, nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SETTINGS = ("timezone", "opening_hours")
DAY_MINUTES = 24 * 60

_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)")

Span = tuple[int, int]
"""First and first-not-any-more minute of a day; the end is below the start when it lies on the next day."""


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When people answer.

    Args:
        zone: in which the hours are meant.
        spans: for each day, Monday first; None when the shop names no hours, which means always.
    """

    zone: tzinfo
    spans: tuple[tuple[Span, ...], ...] | None

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is to be expected at this moment (an aware datetime)."""
        if self.spans is None:
            return True
        here = at.astimezone(self.zone)
        minute = here.hour * 60 + here.minute
        yesterday = (here - timedelta(days=1)).weekday()
        today_open = any(
            start <= minute < (end if end > start else DAY_MINUTES) for start, end in self._of(here.weekday())
        )
        return today_open or any(end <= start and minute < end for start, end in self._of(yesterday))

    def _of(self, weekday: int) -> tuple[Span, ...]:
        return self.spans[weekday] if self.spans else ()


def read_opening_hours(settings: Mapping[str, Any]) -> OpeningHours:
    """Opening hours of the section.

    Args:
        settings: `timezone` (a name such as `Europe/Zurich`, UTC if left out) and `opening_hours`, for each day
            `"09:00-18:00"`, several spans with commas, or nothing for closed. Without `opening_hours`: always open.

    Raises:
        ProjectError: everything that is wrong with it.
    """
    problems: list[Problem] = []
    for name in settings:
        if name not in SETTINGS:
            problems.append(_unknown(f"desk: {name}", str(name), SETTINGS))
    zone = _zone(settings.get("timezone"), problems)
    hours = settings.get("opening_hours")
    spans = None if hours is None else _week(hours, problems)
    if problems:
        raise ProjectError(problems)
    return OpeningHours(zone, spans)


def _zone(name: Any, problems: list[Problem]) -> tzinfo:
    try:
        return ZoneInfo(str(name or "UTC"))
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
        text = f"endpoints.yml, desk: timezone: there is no time zone {name!r}."
        problems.append(Problem(None, text, "Write a name such as Europe/Zurich, Asia/Shanghai or UTC."))
        return ZoneInfo("UTC")


def _week(hours: Any, problems: list[Problem]) -> tuple[tuple[Span, ...], ...]:
    if not isinstance(hours, Mapping):
        text = "endpoints.yml, desk: opening_hours: this must name the days."
        problems.append(Problem(None, text, 'Write {mon: "09:00-18:00", tue: "09:00-18:00"}.'))
        return ()
    problems += [_unknown(f"desk: opening_hours: {day}", str(day), DAYS) for day in hours if day not in DAYS]
    return tuple(_day(day, hours.get(day), problems) for day in DAYS)


def _day(day: str, value: Any, problems: list[Problem]) -> tuple[Span, ...]:
    if value is None or value is False or str(value).strip().lower() in ("", "closed", "off"):
        return ()
    spans = [_span(part.strip()) for part in str(value).split(",")]
    if None in spans:
        text = f"endpoints.yml, desk: opening_hours: {day}: {str(value)[:60]!r} is no time of day."
        problems.append(Problem(None, text, 'Write "09:00-18:00", or "09:00-12:00, 13:00-18:00"; the latest is 24:00.'))
    return tuple(span for span in spans if span)


def _span(text: str) -> Span | None:
    found = _SPAN.fullmatch(text)
    if not found:
        return None
    hour, minute, end_hour, end_minute = map(int, found.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES or start == end:
        return None
    return start, end


def _unknown(place: str, name: str, known: tuple[str, ...]) -> Problem:
    guess = nearest(name, known)
    advice = f"Did you mean {guess!r}?" if guess else f"Known are: {', '.join(known)}."
    return Problem(None, f"endpoints.yml, {place}: there is no such setting.", advice)
