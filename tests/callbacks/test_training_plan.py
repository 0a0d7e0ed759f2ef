"""The form says what a training would have to earn, and passes on how it is to be trained."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from callbacks import training_plan
from core.errors import Refused
from core.jobs import TRAIN_MODEL
from core.market_name import make
from core.roles import Role
from db.queries import candles, jobs, markets
from tests.callbacks.test_models import ask
from tests.candles import walk
from tests.fire import fire
from tests.web import SignIn


def outlook(client: FlaskClient, **more: Any) -> str:
    form = {"markets": ["demo:BTC/USDT"], "timeframe": "5m", "horizon": 12, "cost": 0.2} | more
    answer = fire(client, {f"models-{word}.value": value for word, value in form.items()}, output="models-outlook")
    return json.dumps(answer.get_json()["response"]["models-outlook"]["children"], ensure_ascii=False)


@pytest.fixture
def stored(session: Session) -> None:
    market = markets.get_or_create(session, make("demo", "BTC/USDT"), simulated=True)
    candles.upsert(session, market.id, "5m", walk(600, "5m"))
    session.commit()


def test_the_break_even_rate_is_shown_before_a_training(stored: None, signed_in: SignIn) -> None:
    told = outlook(signed_in(Role.ANALYST))
    assert "BTC/USDT, 12 bars ahead. Barriers lie about" in told
    assert "at costs of 0.20% a round trip a call has to be right" in told
    for horizon, takes in ((6, "30 min"), (12, "1 h"), (24, "2 h"), (48, "4 h"), (96, "8 h")):
        assert f"{horizon} bars, {takes}" in told


def test_costs_that_no_call_can_earn_are_said_to_be_so(stored: None, signed_in: SignIn) -> None:
    assert "no hit rate can pay" in outlook(signed_in(Role.ANALYST), cost=15)


def test_nothing_is_said_where_nothing_is_known(stored: None, signed_in: SignIn) -> None:
    client = signed_in(Role.ANALYST)
    for more in ({"markets": []}, {"horizon": None}, {"cost": -1}, {"cost": "x"}, {"markets": ["demo:NONE/USDT"]}):
        assert outlook(client, **more) == "[]", more


def test_a_walk_forward_is_asked_for_with_its_folds(stored: None, signed_in: SignIn, session: Session) -> None:
    ask(signed_in(Role.ANALYST), scheme="rolling", seeds=5, epochs=8, cost=0.1)
    (job,) = jobs.latest(session, name=TRAIN_MODEL.name)
    assert {key: job.args[key] for key in ("scheme", "folds", "stride", "cost", "seeds")} == {
        "scheme": "rolling",
        "folds": 4,
        "stride": 4,
        "cost": 0.001,
        "seeds": 5,
    }


def test_the_full_walk_forward_decides_on_every_bar() -> None:
    assert training_plan.knobs("full", 0.2, 24) == {"scheme": "rolling", "folds": 8}
    assert training_plan.knobs("rolling", 0.2, 2) == {"scheme": "rolling", "folds": 4, "stride": 2}
    assert training_plan.knobs("single", None, 24) == {}


def test_absurd_costs_are_refused() -> None:
    with pytest.raises(Refused, match="0 to 20"):
        training_plan.knobs("single", 99, 24)


def test_each_kind_brings_its_usual_size(signed_in: SignIn) -> None:
    client = signed_in(Role.ANALYST)
    for scheme, epochs, seeds in (("single", 60, 1), ("rolling", 8, 5), ("full", 60, 5)):
        found = fire(client, {"models-scheme.value": scheme}).get_json()["response"]
        assert (found["models-epochs"]["value"], found["models-seeds"]["value"]) == (epochs, seeds)
