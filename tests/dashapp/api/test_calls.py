"""Calls, their outcomes and models over the API, as the ledger holds them."""

from pathlib import Path

from sqlalchemy.orm import Session

from core.clock import from_ms
from core.market_name import MarketName
from core.roles import Role
from core.timeframe import parse
from db.queries import candles, markets, predictions
from ml import scorekeeping, settling
from tests.candles import START_MS, walk
from tests.ml import versions
from tests.ml.ledger import past_call

HOUR = parse("1h").ms
ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))


def test_calls_outcomes_and_models_are_answered_as_they_were_written(
    app, api, session: Session, tmp_path: Path
) -> None:
    market = markets.get_or_create(session, MarketName("demo", "BTC/USDT"), simulated=True)
    candles.upsert(session, market.id, "1h", walk(60))
    model = versions.publish(session, tmp_path, CARD, ASKED)
    for n in (*range(10, 20), 58):
        past_call(session, model_id=model.id, market_id=market.id, open_ms=START_MS + n * HOUR)
    settling.settle_due(session, now=from_ms(START_MS + 60 * HOUR))
    session.commit()
    rows = predictions.history(session, market.id, "1h")
    ask, found, cursor = api(Role.VIEWER), [], ""
    while cursor is not None:
        page = ask("GET", f"/predictions/BTC-USDT/history?limit=4{cursor}").get_json()
        found += page["items"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert [call["id"] for call in found] == [row.id for row in rows]
    assert found[0]["settled"] is None
    assert [call["settled"]["outcome"] for call in found[1:]] == [row.outcome for row in rows[1:]]
    assert found[1]["settled"]["right"] is rows[1].right
    assert found[0]["probabilities"] == {"bearish": 0.2, "neutral": 0.3, "bullish": 0.5}
    assert (found[0]["simulated"], found[0]["close"]) == (True, f"{rows[0].close!r}")
    assert ask("GET", "/predictions/BTC-USDT").get_json()["items"] == [found[0]]
    (listed,) = ask("GET", "/models").get_json()["items"]
    shown = ask("GET", f"/models/{model.id}").get_json()
    assert (shown["name"], shown["card"]["verdict"]) == (ASKED.family, listed["card"]["verdict"])
    assert "calls" not in listed["card"]


def test_the_scorecard_of_a_market_is_public(app, api, session: Session, tmp_path: Path) -> None:
    market = markets.get_or_create(session, MarketName("demo", "BTC/USDT"), simulated=True)
    candles.upsert(session, market.id, "1h", walk(60))
    model = versions.publish(session, tmp_path, CARD, ASKED)
    for n in range(10, 16):
        past_call(session, model_id=model.id, market_id=market.id, open_ms=START_MS + n * HOUR)
    now = from_ms(START_MS + 60 * HOUR)
    settling.settle_due(session, now=now)
    scorekeeping.refresh(session, scorekeeping.note_rules(session, now=now))
    session.commit()
    ask = api(Role.VIEWER)
    (found,) = ask("GET", "/predictions/BTC-USDT/scorecard?exchange=demo&timeframe=1h&horizon=3").get_json()["items"]
    assert (found["settled"], found["simulated"], found["evidence"], found["model_id"]) == (6, True, None, model.id)
    assert found["note"] == "6 of 100 settled calls: too few to score." and found["never_settled"] == 0
    assert (found["brier_skill"], found["ece"], found["scored"]["mcc"]) == (None, None, None)
    assert all("too few" in kind["note"] and kind["rules"] == [] for kind in found["by_regime"])
    assert found["scored"]["right"] <= found["scored"]["calls"] == 6
    assert {rule["key"] for rule in found["rules"]} >= {"climatology", "majority"}
    assert (
        found["rules"][0]["saves_interval"][0] <= found["rules"][0]["saves"] <= found["rules"][0]["saves_interval"][1]
    )
    assert ask("GET", "/predictions/BTC-USDT/scorecard?horizon=9").get_json()["items"] == []
    assert ask("GET", "/predictions/ETH-USDT/scorecard").status_code == 404
