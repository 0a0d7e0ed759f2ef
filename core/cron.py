"""Times of a schedule in cron's five words: minute, hour, day of month, month, day of week (0 or 7 is Sunday), UTC.

Each word is `*`, numbers, ranges `a-b`, steps `*/n` or `a-b/n`, joined by commas. Where both days are restricted either
may match, as cron has it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import Refused

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
FAR = 366 * 5  # days that are looked through: 29 February comes again within them
HINT = "Write five words: minute, hour, day of month, month, day of week. `0 3 * * 0` is Sunday at 03:00 UTC."


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes at which something is due. Make it with `parse`."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def latest(self, now: datetime) -> datetime | None:
        """The newest due minute that is not after `now`."""
        return self._seek(now.replace(second=0, microsecond=0), forward=False)

    def following(self, now: datetime) -> datetime | None:
        """The first due minute after `now`."""
        return self._seek(now.replace(second=0, microsecond=0) + timedelta(minutes=1), forward=True)

    def _seek(self, start: datetime, *, forward: bool) -> datetime | None:
        day = start.replace(hour=0, minute=0)
        for number in range(FAR):
            at = day + timedelta(days=number if forward else -number)
            if self._on(at):
                times = [at.replace(hour=h, minute=m) for h in self.hours for m in self.minutes]
                fitting = [t for t in times if (t >= start if forward else t <= start)]
                if fitting:
                    return min(fitting) if forward else max(fitting)
        return None

    def _on(self, day: datetime) -> bool:
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = by_month or by_week if self.either_day else by_month and by_week
        return day.month in self.months and fits


def parse(text: str) -> Cron:
    """A schedule; raises Refused with what is wrong, also for one that never comes."""
    words = text.split()
    if len(words) != len(FIELDS):
        raise Refused(f"“{text}” is no schedule. {HINT}")
    minutes, hours, days, months, week = (_numbers(word, *field) for word, field in zip(words, FIELDS, strict=True))
    weekdays, either = frozenset(n % 7 for n in week), words[2] != "*" and words[4] != "*"
    made = Cron(" ".join(words), minutes, hours, days, months, weekdays, either)
    if not any(_exists(month, day) for month in made.months for day in made.days) and not made.either_day:
        raise Refused(f"“{text}” names a day that never comes.")
    return made


def _numbers(word: str, name: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            first, last = str(low), str(high)
        elif not last:
            last = str(high) if step else first
        if not all(t.isdecimal() and len(t) < 4 for t in (first, last, step or "1")) or int(step or "1") < 1:
            raise Refused(f"“{part}” is no {name}. {HINT}")
        if not low <= int(first) <= int(last) <= high:
            raise Refused(f"“{part}” is no {name}: it must lie between {low} and {high}. {HINT}")
        found |= set(range(int(first), int(last) + 1, int(step or "1")))
    return frozenset(found)


def _exists(month: int, day: int) -> bool:
    return day <= (29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31)
