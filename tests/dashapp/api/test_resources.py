"""Markets, calls, models and jobs over the API."""

import argparse
import csv
import io
import math
import re
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import market_name
from core.clock import from_ms, utc_now
from core.jobs import TOP_UP, TRAIN_MODEL
from core.market_name import MarketName
from core.ohlcv import Candles
from core.roles import Role
from dashapp.cli import train_options
from db.queries import candles, jobs, markets
from db.tables import IdempotencyKey, Job
from market.indicators.catalog import parse
from market.indicators.compute import compute
from tests.api import asker, is_problem
from tests.candles import START_MS, walk
from tests.web import PASSWORD

HOUR = 3_600_000
TRAINING = {"markets": ["binance:BTC/USDT"], "timeframe": "1h", "horizon": 24, "epochs": 3}


@pytest.fixture
def bars(session: Session) -> Candles:
    """300 hours of two markets; of the first one the hours 100 to 129 are missing."""
    whole = walk(300)
    holed = whole[np.r_[0:100, 130:300]]
    for exchange, stored in (("binance", holed), ("kraken", whole)):
        market = markets.get_or_create(session, MarketName(exchange, "BTC/USDT"), price_decimals=2)
        candles.upsert(session, market.id, "1h", stored)
    session.commit()
    return holed


def pages(ask, path: str) -> list[dict]:
    """Every item of a paged list, by following its links."""
    found, onward = [], path
    for _ in range(100):
        answer = ask("GET", onward)
        assert answer.status_code == 200, answer.text
        found += answer.get_json()["items"]
        link = answer.headers.get("Link")
        assert bool(link) == bool(answer.get_json()["next_cursor"])
        if link is None:
            return found
        onward = re.fullmatch(r'<(/api/[^>]+)>; rel="next"', link)[1].removeprefix("/api")
    raise AssertionError("the pages never end")


def test_markets_are_listed_with_their_series(api, bars) -> None:
    items = api(Role.VIEWER)("GET", "/markets").get_json()["items"]
    assert [(m["exchange"], m["symbol"]) for m in items] == [("binance", "BTC-USDT"), ("kraken", "BTC-USDT")]
    series = items[0]["series"][0]
    assert (series["timeframe"], series["candles"], series["missing"]) == ("1h", 270, 30)
    assert series["first"] == "2020-09-14T00:00:00Z"
    assert [m["exchange"] for m in pages(api(Role.ANALYST), "/markets?limit=1")] == ["binance", "kraken"]


def test_candles_come_newest_first_and_whole_over_all_pages(api, bars) -> None:
    found = pages(api(), "/markets/BTC-USDT/candles?exchange=binance&limit=7")
    assert [c["close"] for c in found] == bars.close[::-1].tolist()
    assert found[-1]["time"] == "2020-09-14T00:00:00Z"


def test_u38_paging_loses_and_repeats_nothing_while_candles_come_in(api, bars, session: Session) -> None:
    ask, path, found = api(), "/markets/BTC-USDT/candles?exchange=kraken&limit=50", []
    market = markets.get(session, MarketName("kraken", "BTC/USDT"))
    cursor = ""
    for k in range(20):
        page = ask("GET", path + cursor).get_json()
        found += page["items"]
        candles.upsert(session, market.id, "1h", walk(301 + k)[300:])
        session.commit()
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [c["close"] for c in found] == walk(300).close[::-1].tolist()


def test_longer_candles_are_whole_ones_on_every_page(api, bars) -> None:
    found = pages(api(), "/markets/BTC-USDT/candles?exchange=binance&timeframe=4h&limit=5")
    assert len({c["time"] for c in found}) == len(found)
    assert (
        found == api()("GET", "/markets/BTC-USDT/candles?exchange=binance&timeframe=4h&limit=500").get_json()["items"]
    )
    by_time = {c["time"]: c for c in found}
    first = by_time["2020-09-14T00:00:00Z"]
    assert (first["open"], first["close"]) == (bars.open[0], bars.close[3])
    assert first["high"] == bars.high[:4].max()


def test_a_span_of_candles_ends_before_its_end(api, bars) -> None:
    span = "start=2020-09-14T10:00:00Z&end=2020-09-14T13:00:00%2B00:00"
    found = pages(api(), f"/markets/BTC-USDT/candles?exchange=binance&{span}&limit=2")
    assert [c["time"][11:13] for c in found] == ["12", "11", "10"]


def test_candles_as_csv(api, bars) -> None:
    answer = api()("GET", "/markets/BTC-USDT/candles?exchange=binance&limit=3", headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    assert "Accept" in answer.headers["Vary"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [float(row["close"]) for row in rows] == bars.close[:-4:-1].tolist()
    assert rows[0]["time"] == from_ms(int(bars.time[-1])).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_candles_as_an_arrow_stream(api, bars) -> None:
    import pyarrow as pa

    path = "/markets/BTC-USDT/candles?exchange=binance&limit=3"
    answer = api()("GET", path, headers={"Accept": "application/vnd.apache.arrow.stream"})
    assert (answer.mimetype, "Accept" in answer.vary) == ("application/vnd.apache.arrow.stream", True)
    assert 'rel="next"' in answer.headers["Link"]
    table = pa.ipc.open_stream(answer.data).read_all()
    last = walk(300)
    assert table.column("close").to_pylist() == last.close[-3:][::-1].tolist()
    assert table.column("time")[0].as_py() == from_ms(int(last.time[-1]))


def test_a_time_is_written_as_rfc_3339_and_not_as_a_number(api, bars) -> None:
    for words in ("start=0.5", "start=1700000000", "end=2024-05-01", "end=12:00"):
        assert is_problem(api()("GET", f"/markets/BTC-USDT/candles?{words}"), 422), words
    assert api()("GET", "/markets/BTC-USDT/candles?start=2024-05-01T00:00:00%2B02:00").status_code == 200


def test_indicators_are_those_of_the_whole_series(api, bars) -> None:
    answer = api()("GET", "/markets/BTC-USDT/indicators?exchange=kraken&names=sma:20,rsi:14&limit=30").get_json()
    wanted = compute(walk(300), parse("sma:20"))["sma"][::-1][:30]
    got = [item["values"]["sma:20"]["sma"] for item in answer["items"]]
    assert np.allclose(got, wanted, rtol=1e-12)
    oldest = pages(api(Role.VIEWER), "/markets/BTC-USDT/indicators?exchange=kraken&names=sma:20&limit=100")[-1]
    assert oldest["values"] == {"sma:20": {"sma": None}}


@pytest.mark.parametrize(
    "names", ["", "nothing", "sma:0", "sma:1e400", "sma:nan", "sma:-5", "zigzag:5:10", ",".join(["sma"] * 11)]
)
def test_s37_indicators_that_make_no_sense_are_refused(api, bars, names: str) -> None:
    assert is_problem(api()("GET", f"/markets/BTC-USDT/indicators?names={names}"), 422)


def test_a_ticker_writes_prices_as_text(api, bars) -> None:
    said = api()("GET", "/markets/btc-usdt/ticker?exchange=kraken").get_json()
    last = walk(300)
    assert said["price"] == str(Decimal(repr(float(last.close[-1]))))
    assert said["high_24h"] == repr(float(last.high[-24:].max()))
    assert math.isclose(said["change_24h"], last.close[-1] / last.close[-25] - 1)
    assert said["closed_at"] == from_ms(START_MS + 300 * HOUR).isoformat().replace("+00:00", "Z")


def test_without_an_exchange_the_settings_order_decides(api, bars) -> None:
    assert api()("GET", "/markets/BTC-USDT/candles").get_json()["exchange"] == "binance"


def test_unknown_markets_and_exchanges_are_alike(api, bars) -> None:
    ask = api()
    for path in ("/markets/NO-SUCH/ticker", "/markets/BTC-USDT/candles?exchange=nowhere", "/predictions/NO-SUCH"):
        assert is_problem(ask("GET", path), 404)
    assert is_problem(ask("GET", "/markets/BTC-USDT/candles?timeframe=1m"), 404)


@pytest.mark.parametrize(
    "words", ["timeframe=7h", "limit=501", "limit=0", "limit=NaN", "start=yesterday", "cursor=x", "cursor=WyJhIl0"]
)
def test_s37_questions_about_candles_that_make_no_sense_are_refused(api, bars, words: str) -> None:
    assert is_problem(api()("GET", f"/markets/BTC-USDT/candles?{words}"), 422)


def test_a_market_without_calls_has_none(api, bars) -> None:
    assert api()("GET", "/predictions/BTC-USDT").get_json() == {"items": []}
    assert api()("GET", "/predictions/BTC-USDT/history").get_json() == {"items": [], "next_cursor": None}
    assert api()("GET", "/models").get_json() == {"items": [], "next_cursor": None}


def test_what_calls_will_have_to_earn_is_answered_with_the_job(api, session: Session) -> None:
    market = markets.get_or_create(session, market_name.parse("binance:BTC/USDT"))
    candles.upsert(session, market.id, "1h", walk(600))
    session.commit()
    (told,) = api()("POST", "/predictions/train", TRAINING).get_json()["break_even"]
    assert told["market"] == "binance:BTC/USDT" and 0.5 < told["hit_rate"] < 0.6 and told["barrier"] > 0.01
    assert f"a call has to be right {told['hit_rate']:.1%} of the time to pay." in told["told"]


def test_an_admin_asks_for_a_training_and_follows_it(api, session: Session) -> None:
    ask = api()
    asked = ask("POST", "/predictions/train", TRAINING)
    assert asked.status_code == 202
    job = asked.get_json()
    assert asked.headers["Location"] == f"/api/jobs/{job['id']}"
    assert job.pop("break_even") == [], "nothing is stored that could say"
    assert ask("GET", f"/jobs/{job['id']}").get_json() == job
    assert [j["id"] for j in ask("GET", "/predictions/train/status").get_json()["items"]] == [job["id"]]
    stored = jobs.get(session, job["id"])
    usual = {"scheme": "single", "folds": 1, "stride": 1, "seeds": 1, "train_days": 365, "cost": 0.002}
    assert stored.args == usual | TRAINING
    assert ask("POST", "/predictions/train", TRAINING).get_json()["id"] == job["id"]
    assert ask("DELETE", f"/jobs/{job['id']}").get_json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"scheme": "anchored"}, ("anchored", 4, 8, 4, 5)),
        ({"scheme": "rolling", "horizon": 2}, ("rolling", 4, 8, 2, 5)),
        ({"full": True}, ("rolling", 8, 60, 1, 5)),
        (
            {"scheme": "rolling", "folds": 6, "epochs": 12, "stride": 3, "seeds": 7, "cost": 0, "train_days": 90},
            ("rolling", 6, 12, 3, 7),
        ),
    ],
)
def test_a_walk_forward_is_asked_for_with_the_knobs_of_the_command_line(
    api, session: Session, asked: dict, size: tuple
) -> None:
    body = {"markets": ["binance:BTC/USDT"], "timeframe": "1h", "horizon": 24} | asked
    answer = api()("POST", "/predictions/train", body)
    assert answer.status_code == 202
    job = jobs.get(session, answer.get_json()["id"])
    assert tuple(job.args[name] for name in ("scheme", "folds", "epochs", "stride", "seeds")) == size
    assert (job.args["cost"], job.args["train_days"]) == (asked.get("cost", 0.002), asked.get("train_days", 365))
    words = ["--horizon", str(body["horizon"])]
    words += ["--full"] if asked.get("full") else ["--walk-forward", asked["scheme"]]
    named = {name: name for name in ("folds", "epochs", "seeds", "cost")} | {"stride": "every"}
    named["train_days"] = "train-days"
    words += [part for key, option in named.items() if key in asked for part in (f"--{option}", str(asked[key]))]
    parser = argparse.ArgumentParser()
    parser.add_argument("--horizon", type=int)
    train_options.add(parser)
    what = {name: body[name] for name in ("markets", "timeframe", "horizon")}
    assert job.args == what | train_options.read(parser.parse_args(words))


def test_only_admins_ask_for_trainings(api, session: Session) -> None:
    for role in (Role.VIEWER, Role.ANALYST):
        assert is_problem(api(role)("POST", "/predictions/train", TRAINING), 403)
    assert session.scalar(select(func.count()).select_from(Job)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 0},
        {"horizon": -1},
        {"horizon": 1.5},
        {"horizon": 10**400},
        {"horizon": "24"},
        {"horizon": float("nan")},
        {"epochs": float("inf")},
        {"seeds": 21},
        {"markets": []},
        {"markets": ["BTC"]},
        {"markets": ["binance:BTC/USDT"] * 2},
        {"timeframe": "7h"},
        {"owner_id": 1},
        {"scheme": "backwards"},
        {"folds": 2},
        {"scheme": "rolling", "folds": 1},
        {"scheme": "rolling", "folds": 61},
        {"scheme": "rolling", "stride": 25},
        {"scheme": "rolling", "train_days": 29},
        {"scheme": "single", "full": True},
        {"cost": 0.21},
        {"cost": -0.01},
        {"cost": "0.1"},
    ],
)
def test_s37_a_training_that_makes_no_sense_is_refused(api, session: Session, change: dict) -> None:
    assert is_problem(api()("POST", "/predictions/train", TRAINING | change), 422)
    assert session.scalar(select(func.count()).select_from(Job)) == 0


def test_the_same_key_has_its_effect_once(api, session: Session) -> None:
    ask, key = api(), {"Idempotency-Key": "train-0001"}
    first = ask("POST", "/predictions/train", TRAINING, headers=key)
    jobs.request_cancel(session, first.get_json()["id"])  # a new request would make another job
    session.commit()
    again = ask("POST", "/predictions/train", TRAINING, headers=key)
    assert (again.status_code, again.get_json()) == (202, first.get_json())
    assert again.headers["Location"] == first.headers["Location"]
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert is_problem(ask("POST", "/predictions/train", TRAINING | {"horizon": 12}, headers=key), 422)
    assert session.scalar(select(func.count()).select_from(Job)) == 1
    assert is_problem(ask("POST", "/predictions/train", TRAINING, headers={"Idempotency-Key": "x"}), 422)


def test_a_key_whose_request_failed_may_be_used_again_and_one_in_work_waits(api, owner: int, session: Session) -> None:
    ask, key = api(), {"Idempotency-Key": "train-0002"}
    assert is_problem(ask("POST", "/predictions/train", TRAINING | {"horizon": 0}, headers=key), 422)
    assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
    made = ask("POST", "/predictions/train", TRAINING, headers=key)
    row = session.get(IdempotencyKey, (owner, "train-0002"))
    row.status = row.body = None
    session.commit()
    assert is_problem(ask("POST", "/predictions/train", TRAINING, headers=key), 409)
    row.created_at = utc_now() - timedelta(minutes=3)
    session.commit()
    assert ask("POST", "/predictions/train", TRAINING, headers=key).get_json()["id"] == made.get_json()["id"]


def test_s08_foreign_and_unknown_jobs_look_the_same(api, owner: int, session: Session) -> None:
    mine = jobs.create(session, TRAIN_MODEL, {}, owner_id=owner)
    session.commit()
    viewer, unknown = api(Role.VIEWER), "00000000-0000-4000-8000-000000000000"
    for method in ("GET", "DELETE"):
        answers = [viewer(method, f"/jobs/{job_id}") for job_id in (mine.id, unknown)]
        bodies = [{k: v for k, v in a.get_json().items() if k not in {"instance", "request_id"}} for a in answers]
        assert all(is_problem(a, 404) for a in answers)
        assert bodies[0] == bodies[1]
    assert viewer("GET", "/predictions/train/status?user_id=1&owner_id=1").get_json() == {"items": []}
    session.refresh(mine)
    assert not mine.cancel_requested


def test_s09_job_ids_cannot_be_guessed(api, session: Session) -> None:
    made = api()("POST", "/predictions/train", TRAINING).get_json()["id"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made)


def test_the_desks_own_jobs_are_seen_by_all_and_cancelled_by_admins(api, session: Session) -> None:
    job = jobs.create(session, TOP_UP, {})
    session.commit()
    viewer = api(Role.VIEWER)
    assert viewer("GET", f"/jobs/{job.id}").status_code == 200
    assert is_problem(viewer("DELETE", f"/jobs/{job.id}"), 403)
    assert api()("DELETE", f"/jobs/{job.id}").status_code == 200


def test_a_token_with_the_scope_train_trains(app: Flask, api) -> None:
    made = api()("POST", "/auth/tokens", {"current_password": PASSWORD, "name": "x", "scopes": ["train"]}).get_json()
    assert asker(app, made["token"])("POST", "/predictions/train", TRAINING).status_code == 202
    assert is_problem(asker(app, made["token"])("GET", "/markets"), 403)
