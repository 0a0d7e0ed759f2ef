"""What a horizon has to earn is known before a training, and is what the training finds."""

import pytest

from ml import dataset, outlook, report
from ml.config import TrainingConfig
from ml.dataset import Frame
from tests.candles import walk

HOUR = 3_600_000


def test_break_even_follows_from_costs_and_barrier() -> None:
    assert outlook.break_even(0.002, 0.01) == pytest.approx(0.6)
    assert outlook.break_even(0.002, 0.05) == pytest.approx(0.52)


def test_longer_horizons_have_wider_barriers_and_pay_earlier() -> None:
    found = outlook.outlooks(walk(2_000), (48, 6, 24), step_ms=HOUR, span=100, cost=0.002)
    assert [o.horizon for o in found] == [6, 24, 48]
    assert [o.barrier for o in found] == sorted(o.barrier for o in found)
    assert [o.break_even for o in found] == sorted((o.break_even for o in found), reverse=True)


def test_it_is_what_a_training_finds() -> None:
    asked = TrainingConfig(("demo:BTC/USDT",), "1h", 12)
    data = dataset.prepare([Frame(asked.markets[0], True, walk(2_000))], asked)
    (found,) = outlook.outlooks(walk(2_000), (12,), step_ms=HOUR, span=100, cost=asked.cost)
    assert found.barrier == pytest.approx(report.labels_summary(data).typical_barrier, rel=0.1)


def test_a_barrier_nearer_than_three_times_the_costs_is_not_worth_it() -> None:
    (dear,) = outlook.outlooks(walk(2_000), (6,), step_ms=HOUR, span=100, cost=0.05)
    (cheap,) = outlook.outlooks(walk(2_000), (6,), step_ms=HOUR, span=100, cost=0.0001)
    assert (dear.worth, cheap.worth) == (False, True)
    assert dear.break_even > 1


def test_too_few_candles_say_nothing() -> None:
    assert outlook.outlooks(walk(150), (48,), step_ms=HOUR, span=100, cost=0.002) == []
    assert outlook.outlooks(walk(0), (6,), step_ms=HOUR, span=100, cost=0.002) == []
