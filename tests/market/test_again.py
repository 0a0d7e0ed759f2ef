"""Which candles are asked for again, and when."""

from redis import Redis

from core.shared import SharedNumbers
from core.timeframe import TIMEFRAMES
from market import again

MINUTE = TIMEFRAMES["1m"]
NOW = 1_700_000_040.0
OPENED = int(NOW * 1_000) - MINUTE.ms


def due(shared: SharedNumbers, passed: float) -> list[again.Question]:
    return again.due(shared, limit=10, clock=lambda: NOW + passed)


def test_a_candle_is_asked_for_after_ten_minutes_and_after_an_hour_and_no_more(redis_url: str) -> None:
    shared = SharedNumbers(Redis.from_url(redis_url))
    for _ in range(2):
        again.remember(shared, 7, MINUTE, [OPENED], clock=lambda: NOW)
    answers = [due(shared, passed) for passed in (0, 599, 600, 601, 3_599, 3_600, 9_000)]
    assert answers == [[], [], [(7, "1m", OPENED)], [], [], [(7, "1m", OPENED)], []]
    again.remember(shared, 7, MINUTE, [OPENED], clock=lambda: NOW + 9_000)
    assert due(shared, 99_000) == []


def test_what_was_not_answered_is_asked_a_little_later() -> None:
    shared = SharedNumbers(None)
    again.remember(shared, 7, MINUTE, [OPENED], clock=lambda: NOW)
    (question,) = due(shared, 4_000)
    again.put_back(shared, question, clock=lambda: NOW + 4_000)
    assert (due(shared, 4_119), due(shared, 4_120)) == ([], [question])


def test_old_candles_are_not_remembered_and_those_of_days_ago_forgotten() -> None:
    shared = SharedNumbers(None)
    again.remember(shared, 7, MINUTE, [OPENED - 86_400_000], clock=lambda: NOW)
    assert due(shared, 9_000) == []
    again.remember(shared, 7, MINUTE, [OPENED], clock=lambda: NOW)
    again.remember(shared, 8, MINUTE, [OPENED + 9 * 86_400_000], clock=lambda: NOW + 9 * 86_400 + 60)
    assert due(shared, 10 * 86_400) == [(8, "1m", OPENED + 9 * 86_400_000)]
