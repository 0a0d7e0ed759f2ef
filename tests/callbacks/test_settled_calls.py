"""The list of all settled calls: narrowed on the server, fifty at a time, real and simulated counted apart."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import market_name
from core.clock import to_ms, utc_now
from core.roles import Role
from core.timeframe import parse
from db.queries import markets, predictions, settled_calls
from db.queries.settled_calls import Wanted
from layouts.pages import predictions as page
from ml.card import Card
from ml.config import TrainingConfig
from tests.fire import fire
from tests.ml import versions
from tests.ml.ledger import past_call
from tests.web import SignIn

HOUR = parse("1h")
N = 60
LIKELIEST = {0: (0.6, 0.2, 0.2), 1: (0.2, 0.6, 0.2), 2: (0.2, 0.2, 0.6)}


@cache
def version(name: str) -> tuple[TrainingConfig, Card]:
    asked = versions.config(name)
    return asked, versions.card(asked, versions.prepared(asked))


@pytest.fixture
def settled(session: Session, tmp_path: Path) -> dict[str, int]:
    """60 settled calls on a real market, a third of them right, and 3 on a simulated one, all wrong."""
    found = {}
    for name, count in (("binance:BTC/USDT", N), ("demo:ETH/USDT", 3)):
        asked, card = version(name)
        found[name] = versions.publish(session, tmp_path, card, asked).id
        settle(session, name, found[name], count)
    session.commit()
    return found


def settle(session: Session, name: str, model_id: int, count: int) -> None:
    simulated = name.startswith("demo:")
    market = markets.get_or_create(session, market_name.parse(name), simulated=simulated)
    start = HOUR.last_closed(to_ms(utc_now())) - (count + 10) * HOUR.ms
    for n in range(count):
        said = LIKELIEST[1 if simulated else n % 3]
        at = start + n * HOUR.ms
        call = past_call(session, model_id=model_id, market_id=market.id, open_ms=at, p=said, simulated=simulated)
        outcome = {"entry": 100.0, "log_return": 0.02, "ambiguous": False, "t1": call.due_at}
        scores = {"log_loss": 1.0, "brier": 0.6}
        predictions.settle(session, [{"prediction_id": call.id, "outcome": "bullish", **outcome, **scores}])


def show(client: FlaskClient, **chosen: Any) -> dict[str, Any]:
    given = {"market": None, "model": None, "result": "", "period": ""} | chosen
    inputs = {f"settled-{word}.value": value for word, value in given.items()}
    return fire(client, inputs, output="settled-list").get_json()["response"]


def rows(answer: dict[str, Any]) -> list[Any]:
    return answer["settled-list"]["children"]["props"]["children"][1]["props"]["children"]


def test_real_and_simulated_calls_are_counted_apart(settled: dict[str, int], signed_in: SignIn) -> None:
    answer = show(signed_in(Role.VIEWER))
    assert len(rows(answer)) == 50 and answer["settled-foot"]["hidden"] is False
    told = str(answer["settled-tally"])
    assert "60 calls: 20 right, 40 wrong. 3 simulated calls: 0 right, 3 wrong." in told


def test_each_filter_narrows_the_list(settled: dict[str, int], signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    assert len(rows(show(client, result="right"))) == 20
    assert len(rows(show(client, market="demo/ETH-USDT"))) == 3
    assert len(rows(show(client, model=str(settled["demo:ETH/USDT"]), result="wrong"))) == 3
    assert len(rows(show(client, period="1"))) == 50, "all of them settled just now"
    for nothing in ({"result": "abstained"}, {"market": "kraken/NO-SUCH"}, {"model": "9" * 40}, {"model": "x"}):
        answer = show(client, **nothing)
        assert "No settled call fits" in str(answer["settled-list"]), nothing
        assert answer["settled-foot"]["hidden"] is True


def test_fifty_more_follow_without_gap_or_repeat(settled: dict[str, int], signed_in: SignIn, session: Session) -> None:
    first = settled_calls.page(session, Wanted(), limit=50)
    assert first[-1].settled_at is not None
    rest = settled_calls.page(session, Wanted(), after=(first[-1].settled_at, first[-1].id))
    assert len({row.id for row in [*first, *rest]}) == N + 3
    client = signed_in(Role.VIEWER)
    after = show(client)["settled-after"]["data"]
    state = {"settled-after.data": after}
    state |= {f"settled-{word}.value": None for word in ("market", "model", "result", "period")}
    more = fire(client, {"settled-more.n_clicks": 1}, state, output="settled-list").get_json()["response"]
    (patch,) = more["settled-list"]["children"]["operations"]
    assert patch["operation"] == "Extend" and len(patch["params"]["value"]) == 13
    assert more["settled-foot"]["hidden"] is True
    broken = fire(client, {"settled-more.n_clicks": 1}, state | {"settled-after.data": ["x"]}, output="settled-list")
    assert broken.status_code == 204


def test_only_what_has_settled_calls_can_be_chosen(
    settled: dict[str, int], signed_in: SignIn, session: Session
) -> None:
    markets.get_or_create(session, market_name.parse("binance:ADA/USDT"))
    session.commit()
    place = {"_pages_location.pathname": "/predictions/settled"}
    answer = fire(signed_in(Role.VIEWER), place, output="settled-market").get_json()["response"]
    assert [o["value"] for o in answer["settled-market"]["options"]] == ["binance/BTC-USDT", "demo/ETH-USDT"]
    assert len(answer["settled-model"]["options"]) == 2


def test_only_what_is_a_part_of_the_page_can_be_opened() -> None:
    assert "Settled calls" in str(page.layout("settled", result="wrong", days="7", market="demo/ETH-USDT"))
    assert "There is no page at this address" in str(page.layout("elsewhere"))
