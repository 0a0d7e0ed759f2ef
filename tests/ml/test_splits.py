"""No row of one segment touches another, of a single split and of walk-forwards: ten thousand random cases."""

import numpy as np
import pytest

from ml.splits import Borders, Spans, borders, chronological, walk_forward

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


def steps(rng: np.random.Generator, spans: Spans, time: np.ndarray, horizon: int) -> list[Borders]:
    return walk_forward(
        time,
        rolling=bool(rng.random() < 0.5),
        folds=int(rng.integers(2, 7)),
        train_bars=int(rng.integers(50, 600)),
        horizon=horizon,
        step_ms=STEP,
        embargo=0.01,
    )


def few_spans(rng: np.random.Generator) -> tuple[Spans, np.ndarray, int]:
    """Like `random_spans`, shorter, and decided on every few bars."""
    horizon, window, stride = int(rng.integers(1, 20)), int(rng.integers(1, 30)), int(rng.integers(1, 5))
    bars = int(rng.integers(150, 400))
    index = np.nonzero(rng.random(bars) > rng.choice([0.0, 0.1]))[0]
    time = np.concatenate((index, index[len(index) // 2 :])) * STEP  # the second symbol begins later
    t0 = time[time // STEP % stride == 0]
    spans = Spans(t0 - (window - 1) * STEP, t0, t0 + rng.integers(1, horizon + 1, len(t0)) * STEP)
    return spans, time, horizon


def test_no_window_and_no_label_of_a_walk_forward_reaches_over_a_border() -> None:
    """7,000 walk-forwards, every fold of each: with the 3,000 single splits ten thousand cases."""
    rng, rows = np.random.default_rng(11), 0
    for _ in range(7_000):
        spans, time, horizon = few_spans(rng)
        known_until = -STEP
        for at in steps(rng, spans, time, horizon):
            parts = chronological(spans, at)
            rows += len(parts.test)
            for part, first, last in (
                (parts.train, at.start, at.validation),
                (parts.validation, at.validation + at.embargo_ms, at.test),
                (parts.test, at.test + at.embargo_ms, at.end),
            ):
                if len(part):
                    assert spans.start[part].min() >= first
                    assert spans.t1[part].max() < last
            if len(parts.test):
                assert spans.t0[parts.test].min() > known_until  # no label of the fold before is still open
                known_until = spans.t1[parts.test].max()
    assert rows > 100_000


def test_tests_of_a_walk_forward_follow_one_another_to_the_end() -> None:
    time = np.arange(1_000) * STEP
    found = walk_forward(time, rolling=True, folds=4, train_bars=400, horizon=5, step_ms=STEP, embargo=0.01)
    assert [b.test // STEP for b in found] == [520, 640, 760, 880]
    assert [b.validation // STEP for b in found] == [400, 520, 640, 760]
    assert [b.start // STEP for b in found] == [0, 120, 240, 360]
    assert [b.end for b in found[:-1]] == [b.test for b in found[1:]]
    assert found[-1].end > time[-1]


def test_an_anchored_walk_forward_trains_on_everything_before_and_a_rolling_one_on_at_most_half() -> None:
    time = np.arange(1_000) * STEP
    anchored = walk_forward(time, rolling=False, folds=3, train_bars=400, horizon=5, step_ms=STEP, embargo=0.01)
    assert {b.start for b in anchored} == {-(2**62)}
    rolling = walk_forward(time, rolling=True, folds=3, train_bars=9_999, horizon=5, step_ms=STEP, embargo=0.01)
    assert [(b.validation - b.start) // STEP for b in rolling] == [500] * 3
