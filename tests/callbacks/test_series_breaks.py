"""Series breaks and price checks on the Data quality page, and the decision of an analyst."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from callbacks import series_breaks as page
from core.errors import Refused
from core.market_name import parse
from core.roles import Role
from db.queries import breaks, coins, markets
from db.tables import AuditEvent, Job, Market
from layouts.components import series_breaks as parts
from tests.candle_data import store, walk
from tests.fire import fire, toasts
from tests.web import CALLBACKS, SignIn, body_of, dash_headers

NOW = datetime(2024, 12, 29, tzinfo=UTC)
TICK = {"quality-tick.n_intervals": 0, "quality-decided.data": None}


@pytest.fixture
def luna(session: Session) -> Market:
    market = store(session, "binance:LUNA/USDT", walk(10), followed=True)
    told = {"old_last": datetime(2022, 5, 13, tzinfo=UTC), "new_first": datetime(2022, 5, 31, tzinfo=UTC)}
    breaks.note(session, market.id, "1h", **told, old_close=0.00005, new_open=9.0, state="paused", now=NOW)
    session.commit()
    return market


def drawn(client: Any, part: str) -> str:
    answer = fire(client, TICK, output="quality-breaks")
    return str(answer.get_json()["response"][f"quality-{part}"]["children"])


def answer_dialog(client: Any, asked: str | None, button: str = "yes") -> TestResponse:
    """Press a button of the dialog, which was opened for `asked`."""
    wanted = next(d for d in client.get("/_dash-dependencies").get_json() if "quality-dialog.is_open" in d["output"])
    body = body_of(wanted)
    for place in body["inputs"]:
        if place and place["id"] == f"quality-dialog-{button}":
            place["value"] = 1
    body["state"][0]["value"] = asked
    body["changedPropIds"] = [f"quality-dialog-{button}.n_clicks"]
    answer: TestResponse = client.post(CALLBACKS, json=body, headers=dash_headers(client))
    return answer


def test_nothing_stands_there_while_no_series_broke(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    assert drawn(client, "breaks") == drawn(client, "prices") == "None"


def test_a_break_says_what_and_since_when_and_offers_analysts_the_decision(signed_in: SignIn, luna: Market) -> None:
    shown = drawn(signed_in(Role.ANALYST), "breaks")
    for words in ("LUNA/USDT", "paused", "until 13 May 2022", "from 31 May 2022", "0.00005", "takes no new candles"):
        assert words in shown
    assert f"{luna.id}/same" in shown
    assert f"{luna.id}/new" in shown


def test_viewers_see_it_and_decide_nothing(signed_in: SignIn, session: Session, luna: Market) -> None:
    client = signed_in(Role.VIEWER)
    shown = drawn(client, "breaks")
    assert "An analyst or an admin decides" in shown
    assert "quality-decide" not in shown
    answer_dialog(client, f"{luna.id}/new")
    session.expire_all()
    assert breaks.count_paused(session) == 1


def test_one_coin_goes_on(signed_in: SignIn, session: Session, luna: Market) -> None:
    answer = answer_dialog(signed_in(Role.ANALYST), f"{luna.id}/same")
    assert toasts(answer)[0]["title"] == "binance:LUNA/USDT: one coin"
    session.expire_all()
    assert breaks.count_paused(session) == 0
    assert session.query(AuditEvent).filter_by(action="series_joined", object="binance:LUNA/USDT").count() == 1
    assert session.query(Job).filter_by(name="backfill").one().args == {"market_id": luna.id}


def test_a_new_coin_begins_anew_and_the_log_says_what_became_of_the_old_one(
    signed_in: SignIn, session: Session, luna: Market
) -> None:
    answer = answer_dialog(signed_in(Role.ANALYST), f"{luna.id}/new")
    assert "the old candles are binance:LUNA.2022/USDT now" in toasts(answer)[0]["text"]
    session.expire_all()
    new = markets.get(session, parse("binance:LUNA/USDT"))
    assert new.id != luna.id
    event = session.query(AuditEvent).filter_by(action="series_parted").one()
    assert event.detail == {"kept_as": "binance:LUNA.2022/USDT", "stopped": ""}


def test_leaving_it_paused_changes_nothing(signed_in: SignIn, session: Session, luna: Market) -> None:
    answer_dialog(signed_in(Role.ANALYST), f"{luna.id}/new", "no")
    session.expire_all()
    assert breaks.count_paused(session) == 1


def test_the_dialog_says_what_becomes_of_models() -> None:
    assert "retired" in str(parts.consequence("binance:LUNA/USDT", parts.NEW))
    assert "Models go on calling it" in str(parts.consequence("binance:LUNA/USDT", parts.SAME))


@pytest.mark.parametrize("asked", [None, 5, "", "1/maybe", "x/new", "1/new/2"])
def test_what_no_button_says_is_refused(asked: Any) -> None:
    with pytest.raises(Refused):
        page.read(asked)


def test_prices_stand_beside_those_of_coingecko_the_farthest_first(signed_in: SignIn, session: Session) -> None:
    for symbol, theirs in (("BTC", 30_000.0), ("ETH", 36_000.0)):
        market = store(session, f"binance:{symbol}/USDT", walk(3), followed=True)
        coin = coins.Coin(symbol.lower(), symbol, symbol, None, 1, theirs, NOW, 0)
        coins.check(session, market.id, coin, 30_000.0, limit=0.03, now=NOW)
    session.commit()
    shown = drawn(signed_in(Role.VIEWER), "prices")
    assert shown.index("ETH/USDT") < shown.index("BTC/USDT")
    assert "\u221216.67%" in shown
