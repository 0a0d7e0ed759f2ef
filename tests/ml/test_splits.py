"""No row of one segment touches another: thousands of random cases."""

import numpy as np
import pytest

from ml.splits import Borders, Spans, borders, chronological

STEP = 60_000


def random_spans(rng: np.random.Generator) -> tuple[Spans, np.ndarray, int]:
    """Rows of one to three symbols with holes, different begins, and labels of random length up to the horizon."""
    horizon, window = int(rng.integers(1, 40)), int(rng.integers(1, 70))
    starts, t0s, t1s, bars = [], [], [], []
    for _ in range(int(rng.integers(1, 4))):
        first = int(rng.integers(0, 300))
        index = first + np.nonzero(rng.random(int(rng.integers(300, 900))) > rng.choice([0.0, 0.1]))[0]
        t0 = index * STEP
        t0s.append(t0)
        starts.append(t0 - (window - 1) * STEP)
        t1s.append(t0 + rng.integers(1, horizon + 1, len(t0)) * STEP)
        bars.append(t0)
    spans = Spans(*(np.concatenate(part).astype(np.int64) for part in (starts, t0s, t1s)))
    return spans, np.concatenate(bars), horizon


def split(rng: np.random.Generator) -> tuple[Spans, Borders, object]:
    spans, time, horizon = random_spans(rng)
    at = borders(time, horizon=horizon, step_ms=STEP, train=0.7, validation=0.15, embargo=0.01)
    return spans, at, chronological(spans, at)


def test_no_row_of_a_later_segment_reaches_into_an_earlier_one() -> None:
    rng = np.random.default_rng(7)
    for _ in range(3_000):
        spans, at, parts = split(rng)
        order = [parts.train, parts.validation, parts.test]
        for before, after in ((0, 1), (1, 2), (0, 2)):
            if len(order[before]) and len(order[after]):
                last_known = spans.t1[order[before]].max() + STEP  # the close of the last deciding bar
                assert last_known + at.embargo_ms <= spans.start[order[after]].min()


def test_every_row_is_used_once_or_counted_as_dropped() -> None:
    rng = np.random.default_rng(8)
    for _ in range(300):
        spans, _, parts = split(rng)
        used = np.concatenate((parts.train, parts.validation, parts.test))
        assert len(np.unique(used)) == len(used)
        assert len(used) + sum(parts.dropped) == len(spans.t0)


def test_rows_come_in_order_of_time_whatever_their_symbol() -> None:
    spans, _, parts = split(np.random.default_rng(9))
    for rows in (parts.train, parts.validation, parts.test):
        assert (np.diff(spans.t0[rows]) >= 0).all()


@pytest.mark.parametrize(("bars", "horizon", "expected"), [(10_000, 24, 100), (1_000, 24, 24)])
def test_embargo_is_a_share_of_the_bars_and_never_less_than_the_horizon(bars: int, horizon: int, expected: int) -> None:
    at = borders(np.arange(bars) * STEP, horizon=horizon, step_ms=STEP, train=0.7, validation=0.15, embargo=0.01)
    assert at.embargo_ms == expected * STEP


def test_symbols_are_split_at_the_same_moment() -> None:
    long, short = np.arange(1_000) * STEP, np.arange(800, 1_000) * STEP
    at = borders(np.concatenate((long, short)), horizon=5, step_ms=STEP, train=0.7, validation=0.15, embargo=0.01)
    assert at.validation == 700 * STEP
    spans = Spans(*(np.concatenate((long, short)) + shift for shift in (0, 0, STEP)))
    parts = chronological(spans, at)
    assert spans.t0[parts.test].min() >= at.test
    assert (parts.test >= 1_000).any()
