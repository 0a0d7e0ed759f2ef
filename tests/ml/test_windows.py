"""Windows are gathered, never copied out, and never span a hole."""

import numpy as np

from ml import features, windows
from tests.candles import walk

HOUR = 3_600_000


def test_a_window_holds_the_bars_that_end_at_its_row() -> None:
    table = np.arange(40, dtype=np.float32).reshape(20, 2)
    got = windows.gather(table, np.array([5, 19], dtype=np.int32), 3)
    assert got.shape == (2, 3, 2)
    np.testing.assert_array_equal(got[0], table[3:6])
    np.testing.assert_array_equal(got[1], table[17:20])


def test_no_window_holds_a_missing_feature() -> None:
    table = np.ones((30, 2))
    table[[0, 12], 0] = np.nan
    expected = [i for i in range(30) if i >= 4 and np.isfinite(table[i - 4 : i + 1]).all()]
    assert np.nonzero(windows.whole(table, 5))[0].tolist() == expected


def test_no_window_spans_a_hole_in_the_candles() -> None:
    candles = walk(400)[np.delete(np.arange(400), np.arange(200, 203))]
    whole = windows.whole(features.compute(candles, HOUR), 60)
    for i in np.nonzero(whole)[0]:
        assert candles.time[i] - candles.time[i - 59] == 59 * HOUR
    assert whole[150] and not whole[200:259].any() and whole[260]


def test_an_empty_table_has_no_windows() -> None:
    assert len(windows.whole(np.empty((0, 10)), 60)) == 0


def test_batches_cover_every_row_once() -> None:
    rows = np.concatenate(list(windows.batches(10, 4)))
    assert rows.tolist() == list(range(10))


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone() -> None:
    first = windows.shuffled(100, 1, 0)
    np.testing.assert_array_equal(first, windows.shuffled(100, 1, 0))
    assert sorted(first.tolist()) == list(range(100))
    assert not np.array_equal(first, windows.shuffled(100, 1, 1))
    assert not np.array_equal(first, windows.shuffled(100, 2, 0))


def test_full_batches_leave_the_last_rows_out_for_an_epoch() -> None:
    order = np.arange(10)[::-1]
    assert [b.tolist() for b in windows.full_batches(order, 4)] == [[9, 8, 7, 6], [5, 4, 3, 2]]


def test_fewer_rows_than_a_batch_are_one_batch() -> None:
    assert [b.tolist() for b in windows.full_batches(np.arange(3), 4)] == [[0, 1, 2]]
