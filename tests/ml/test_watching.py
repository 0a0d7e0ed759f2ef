"""Champions that drift or grow old are demoted, and families are trained again when their schedule says so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms, utc_now
from core.ohlcv import Candles
from core.timeframe import parse
from db.queries import audit, candles, markets, retraining, scorecards
from db.tables import Market, Retraining, TrainedModel
from ml import reference, registry, watching
from tests.candles import START_MS, walk
from tests.ml import versions

HOUR = parse("1h").ms
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED, n=1_900))
SERIES = walk(1_900, "1h", seed=1)
END = from_ms(START_MS + 1_900 * HOUR)


@pytest.fixture
def market(session: Session) -> Market:
    found = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    candles.upsert(session, found.id, "1h", SERIES)
    return found


@pytest.fixture
def model(session: Session, market: Market, tmp_path: Path) -> TrainedModel:
    made = versions.publish(session, tmp_path, CARD, ASKED)
    made.proven = True
    reference.of(session, made)  # before the market changes
    session.flush()
    return made


def go_wild(session: Session, market: Market) -> datetime:
    """600 more candles that move ten times as much; the moment after them."""
    more = walk(600, "1h", seed=9, start_ms=START_MS + 1_900 * HOUR)
    first, high, low, last = (100 * (column / 100) ** 10 for column in (more.open, more.high, more.low, more.close))
    wild = Candles(more.time, first, high, low, last, np.full(600, 1e6))
    candles.upsert(session, market.id, "1h", wild)
    return from_ms(START_MS + 2_500 * HOUR)


def look(session: Session, model: TrainedModel, now: datetime, days: int = 9_999) -> str:
    return watching.look_at(session, model, now=now, max_age_days=days).state


def test_a_champion_in_its_own_market_is_steady(session: Session, model: TrainedModel) -> None:
    assert look(session, model, END) in ("steady", "shifting")
    kept = scorecards.report(session, model.id, scorecards.DRIFT)
    assert kept is not None and set(kept.report["markets"]) == {"demo:BTC/USDT"}
    assert model.proven


def test_a_market_that_changed_demotes_the_champion_once(session: Session, model: TrainedModel, market: Market) -> None:
    now = go_wild(session, market)
    assert look(session, model, now) == look(session, model, now) == "drifted"
    assert (model.state, model.proven, model.demoted_at) == ("champion", False, now)
    events = audit.page(session, audit.Wanted(action="champion_demoted"))
    assert len(events) == 1 and "no longer looks like its training" in events[0].detail["because"]


def test_a_series_that_ended_says_nothing(session: Session, model: TrainedModel) -> None:
    assert look(session, model, END + timedelta(days=9)) == "unknown"
    kept = scorecards.report(session, model.id, scorecards.DRIFT)
    assert kept is not None and kept.report["unseen"] == ["demo:BTC/USDT"]


def test_a_proof_expires(session: Session, model: TrainedModel) -> None:
    session.refresh(model)
    late = model.created_at + timedelta(days=31)
    look(session, model, late, days=32)
    assert model.proven
    look(session, model, late, days=31)
    session.refresh(model)
    assert "after 31 a proof has expired" in str(model.demoted_because)
    assert [model.proven, model.state] == [False, "champion"]


def test_no_version_past_its_age_takes_the_place_of_a_demoted_one(
    session: Session, model: TrainedModel, market: Market, tmp_path: Path
) -> None:
    other = versions.publish(session, tmp_path, CARD, ASKED, seed=9)
    now = go_wild(session, market)
    model.created_at = other.created_at = now - timedelta(days=200)
    session.flush()
    look(session, model, now, days=200)
    assert model.demoted_at == now and (model.state, other.state) == ("champion", "candidate")
    other.created_at = now - timedelta(days=199)
    model.demoted_at, model.demoted_because = None, None
    session.flush()
    look(session, model, now, days=200)
    assert (model.state, other.state) == ("retired", "champion")


def test_a_schedule_asks_once_a_slot(session: Session, model: TrainedModel) -> None:
    cron = f"0 {(utc_now().hour + 12) % 24} * * *"  # half a day away, whenever this runs
    retraining.put(session, model.name, cron=cron, on_drift=False, changed_by=None)
    plan = retraining.find(session, model.name)
    assert plan is not None
    begun = plan.changed_at
    assert watching.trainings_due(session, now=begun) == []  # slots before it was set are not made up for
    (due,) = watching.trainings_due(session, now=begun + timedelta(days=1))
    assert due.family == model.name and due.why == f"schedule {cron}"
    assert due.args == {"markets": ["demo:BTC/USDT"], "timeframe": "1h", "horizon": 3, "epochs": 1, "seeds": 1}
    assert watching.trainings_due(session, now=begun + timedelta(days=1, minutes=15)) == []
    assert len(watching.trainings_due(session, now=begun + timedelta(days=2))) == 1


def test_a_demotion_asks_once_where_the_schedule_wants_it(session: Session, model: TrainedModel) -> None:
    now = datetime.now(UTC)
    registry.demote(session, model, "It drifted.", now=now)
    retraining.put(session, model.name, cron="", on_drift=True, changed_by=None)
    assert [d.why for d in watching.trainings_due(session, now=now)] == ["the champion was demoted"]
    assert watching.trainings_due(session, now=now + timedelta(days=9)) == []


def test_a_family_without_champion_is_passed_over(session: Session) -> None:
    session.add(Retraining(name="nothing", cron="* * * * *", on_drift=True))
    session.flush()
    assert watching.trainings_due(session, now=datetime.now(UTC) + timedelta(days=1)) == []


def test_a_walk_forward_is_asked_for_as_one(session: Session, model: TrainedModel) -> None:
    model.config = model.config | {"scheme": "rolling", "folds": 4, "train_days": 365, "stride": 2, "seeds": [1, 2]}
    args = watching.training_args(model)
    assert (args["scheme"], args["folds"], args["stride"], args["seeds"]) == ("rolling", 4, 2, 2)


def test_a_schedule_whose_barriers_costs_eat_says_so_once_and_rests(session: Session, model: TrainedModel) -> None:
    model.config = model.config | {"cost": 0.2}  # as trained before such costs were refused
    retraining.put(session, model.name, cron="0 * * * *", on_drift=False, changed_by=None)
    plan = session.get(Retraining, model.name)
    assert plan is not None
    plan.changed_at = END - timedelta(hours=5)
    session.flush()
    (due,) = watching.trainings_due(session, now=END - timedelta(hours=2))
    assert "less than 3 times the costs of 20.00%" in due.refused
    watching.note_asked(session, due, "job")
    plan.changed_at = plan.asked_at = END - timedelta(hours=3)
    session.flush()
    told = watching.refusal(session, plan)
    assert told is not None and told.detail["because"] == due.refused
    assert watching.trainings_due(session, now=END) == [], "it was said"
    model.config = model.config | {"cost": 0.002}
    plan.asked_at = END - timedelta(hours=3)
    session.flush()
    (possible,) = watching.trainings_due(session, now=END)
    assert possible.refused == ""
    watching.note_asked(session, possible, "job")
    assert watching.refusal(session, plan) is None, "it was trained since"
