"""Five words say when; nonsense is refused in a sentence."""

from datetime import UTC, datetime

import pytest

from core import cron
from core.errors import Refused


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = at("2026-03-11T10:17:30")  # a Wednesday


@pytest.mark.parametrize(
    ("text", "latest", "following"),
    [
        ("* * * * *", "2026-03-11T10:17", "2026-03-11T10:18"),
        ("0 3 * * 0", "2026-03-08T03:00", "2026-03-15T03:00"),
        ("0 3 * * 7", "2026-03-08T03:00", "2026-03-15T03:00"),
        ("30 4 1 * *", "2026-03-01T04:30", "2026-04-01T04:30"),
        ("*/15 10-12 * * 1-5", "2026-03-11T10:15", "2026-03-11T10:30"),
        ("0 0 29 2 *", "2024-02-29T00:00", "2028-02-29T00:00"),
        ("5,45 0/12 * * *", "2026-03-11T00:45", "2026-03-11T12:05"),
        ("0 6 13 * 5", "2026-03-06T06:00", "2026-03-13T06:00"),
    ],
)
def test_the_minutes_before_and_after(text: str, latest: str, following: str) -> None:
    schedule = cron.parse(text)
    assert (schedule.latest(NOW), schedule.following(NOW)) == (at(latest), at(following))


def test_a_due_minute_counts_from_its_begin() -> None:
    schedule = cron.parse("17 10 * * *")
    assert schedule.latest(NOW) == at("2026-03-11T10:17")
    assert schedule.following(at("2026-03-11T10:17")) == at("2026-03-12T10:17")


@pytest.mark.parametrize(
    "text", ["", "0 3 * *", "60 3 * * *", "0 24 * * *", "x 3 * * *", "0 3 0 * *", "*/0 * * * *", "5-1 * * * *",
             "0 3 30 2 *", "0 3 -1 * *", "99999999999 * * * *", "²  3 * * *"]
)  # fmt: skip
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        cron.parse(text)
