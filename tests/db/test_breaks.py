"""What is written down about series that broke, and what a decision does."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.market_name import parse
from db.queries import breaks, markets, trained_models
from db.tables import Market, Series, TrainedModel
from ml import predictor
from tests.candle_data import store, walk

OLD, NEW = datetime(2022, 5, 13, tzinfo=UTC), datetime(2022, 5, 31, tzinfo=UTC)
NOW = datetime(2022, 6, 1, tzinfo=UTC)


@pytest.fixture
def luna(session: Session) -> Market:
    return store(session, "binance:LUNA/USDT", walk(10), followed=True)


def note(session: Session, market: Market, state: str = "paused", timeframe: str = "1h") -> None:
    breaks.note(
        session,
        market.id,
        timeframe,
        old_last=OLD,
        new_first=NEW,
        old_close=0.00005,
        new_open=9.0,
        state=state,
        now=NOW,
    )


def test_a_break_is_written_down_once_and_keeps_its_decision(session: Session, luna: Market) -> None:
    note(session, luna)
    assert breaks.paused(session) == {(luna.id, "1h")}
    breaks.join(session, luna.id, now=NOW)
    note(session, luna)
    assert breaks.paused(session) == set()
    assert breaks.joined(session, luna.id, "1h") == {NEW}
    (row,) = breaks.latest(session)
    assert (row.market.symbol, row.found.state, row.found.decided_at) == ("LUNA/USDT", "joined", NOW)


def test_one_coin_lets_its_past_be_fetched_again(session: Session, luna: Market) -> None:
    session.get_one(Series, (luna.id, "1h")).asked_back_to = OLD
    note(session, luna, "apart")
    assert breaks.join(session, luna.id, now=NOW) == 1
    session.expire_all()
    assert session.get_one(Series, (luna.id, "1h")).asked_back_to is None


def test_two_coins_get_a_market_each_and_nothing_stored_is_moved(session: Session, luna: Market) -> None:
    markets.set_timeframes(session, luna.id, ["1h"])
    note(session, luna)
    parted = breaks.part(session, luna.id, now=NOW)
    new = parted.market
    assert (parted.kept, parted.stopped) == ("binance:LUNA.2022/USDT", ())
    assert (luna.symbol, luna.followed) == ("LUNA.2022/USDT", False)
    assert markets.series_of(session, luna.id)["1h"].rows == 10
    assert (new.id != luna.id, new.symbol, new.followed, new.timeframes) == (True, "LUNA/USDT", True, "1h")
    assert markets.series_of(session, new.id) == {}
    assert breaks.paused(session) == set()
    assert markets.get(session, parse("binance:LUNA.2022/USDT")).id == luna.id


def trained(session: Session, name: str, names: list[str], state: str = "champion") -> TrainedModel:
    """A version without files."""
    model = TrainedModel(
        name=name, version=1, state=state, simulated=False, markets=names, timeframe="1h", horizon=24, config={},
        card={}, manifest={}, folder=name,
    )  # fmt: skip
    session.add(model)
    session.flush()
    return model


def test_what_was_trained_on_the_old_coin_never_calls_the_new_one(session: Session, luna: Market) -> None:
    alone = trained(session, "luna-usdt-1h-h24", ["binance:LUNA/USDT"])
    older = trained(session, "luna-usdt-1h-h6", ["binance:LUNA/USDT"], "candidate")
    both = trained(session, "two-1h-h24", ["binance:BTC/USDT", "binance:LUNA/USDT"])
    other = trained(session, "btc-usdt-1h-h24", ["binance:BTC/USDT"])
    note(session, luna)
    parted = breaks.part(session, luna.id, now=NOW)
    assert parted.stopped == ("luna-usdt-1h-h24 v1", "two-1h-h24 v1")
    assert (alone.state, alone.proven, alone.demoted_at) == ("retired", False, NOW)
    assert "another coin now" in (alone.demoted_because or "")
    assert older.markets == alone.markets == ["binance:LUNA.2022/USDT"]
    assert (both.state, both.markets) == ("champion", ["binance:BTC/USDT", "binance:LUNA.2022/USDT"])
    assert (other.state, other.markets) == ("champion", ["binance:BTC/USDT"])
    champions = trained_models.champions(session)
    assert predictor.callers(champions, parse("binance:LUNA/USDT"), simulated=False) == []


def test_a_name_that_is_taken_is_said(session: Session, luna: Market) -> None:
    store(session, "binance:LUNA.2022/USDT", walk(3))
    note(session, luna)
    with pytest.raises(Conflict, match=r"LUNA\.2022"):
        breaks.part(session, luna.id, now=NOW)


@pytest.mark.parametrize("decide", [breaks.join, breaks.part])
def test_without_a_break_there_is_nothing_to_decide(session: Session, luna: Market, decide) -> None:
    with pytest.raises(NotFound, match="waits for a decision"):
        decide(session, luna.id, now=NOW)
