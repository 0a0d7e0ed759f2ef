"""A training whose barriers lie too near is refused before it starts, with the numbers."""

import pytest
from sqlalchemy.orm import Session

from core import market_name
from core.errors import Refused
from db.queries import candles, markets
from ml import training_outlook
from ml.config import TrainingConfig
from ml.dataset import Frame
from tests.candles import walk

NAMES = ("demo:BTC/USDT", "demo:ETH/USDT")
CHEAP = TrainingConfig(NAMES, "1h", 6, cost=0.002)
DEAR = TrainingConfig(NAMES, "1h", 6, cost=0.02)


def test_each_market_says_what_it_has_to_earn(session: Session) -> None:
    market = markets.get_or_create(session, market_name.parse(NAMES[0]), simulated=True)
    candles.upsert(session, market.id, "1h", walk(600))
    found = training_outlook.look(session, CHEAP, now_ms=10**13)
    assert list(found) == [NAMES[0]]  # the other has no candles; what reads them says so
    training_outlook.demand(found, CHEAP)
    said = training_outlook.line(NAMES[0], found[NAMES[0]], CHEAP.cost)
    assert said.startswith("demo:BTC/USDT: Barriers lie about 2.") and "right 54." in said


def test_barriers_nearer_than_three_times_the_costs_are_refused() -> None:
    frames = [Frame(name, True, walk(600)) for name in NAMES]
    training_outlook.demand_of(frames, CHEAP)
    with pytest.raises(Refused, match=r"lie 2\.\d\d% from the entry, less than 3 times the costs of 2\.00%.*longer"):
        training_outlook.demand_of(frames, DEAR)
