"""The watch-list over the API: one's own, replaced only as it was read."""

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core.market_name import parse
from core.roles import Role
from db.queries import markets, watchlists
from tests.api import asker, is_problem
from tests.web import PASSWORD

BTC, ETH = "binance:BTC/USDT", "binance:ETH/USDT"


@pytest.fixture
def stored(session: Session) -> None:
    for name in (BTC, ETH):
        markets.get_or_create(session, parse(name))
    session.commit()


def names(ask) -> list[str]:
    return ask("GET", "/watchlist").get_json()["markets"]


def test_a_list_is_replaced_in_the_order_sent_and_is_ones_own(api, stored) -> None:
    mara, ben = api(Role.VIEWER, "mara@example.org"), api(Role.VIEWER, "ben@example.org")
    made = mara("PUT", "/watchlist", {"markets": [ETH, BTC], "sort": "day", "descending": False})
    assert made.status_code == 200
    told = {"name": "Main watch-list", "markets": [ETH, BTC], "sort": "day", "descending": False}
    assert made.get_json() == told
    assert mara("GET", "/watchlist").get_json() == told
    assert names(ben) == []
    assert mara("PUT", "/watchlist", {"markets": [BTC]}).get_json()["sort"] == "own"


def test_what_the_page_keeps_is_what_the_api_reads(api, stored, session: Session) -> None:
    ask = api(Role.VIEWER)
    me = ask("GET", "/auth/me").get_json()["id"]
    watchlists.add_market(session, me, markets.get(session, parse(ETH)).id)
    session.commit()
    assert names(ask) == [ETH]


def test_only_the_version_that_was_read_is_replaced(api, stored) -> None:
    ask = api(Role.VIEWER)
    tag = ask("GET", "/watchlist").headers["ETag"]
    first = ask("PUT", "/watchlist", {"markets": [BTC]}, headers={"If-Match": tag})
    assert first.status_code == 200
    assert first.headers["ETag"] != tag
    late = ask("PUT", "/watchlist", {"markets": [ETH]}, headers={"If-Match": tag})
    assert is_problem(late, 412)
    assert names(ask) == [BTC]
    again = ask("PUT", "/watchlist", {"markets": [ETH]}, headers={"If-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert ask("PUT", "/watchlist", {"markets": []}, headers={"If-Match": "*"}).status_code == 200


def test_a_list_that_is_the_same_is_not_sent_again(api, stored) -> None:
    ask = api(Role.VIEWER)
    tag = ask("GET", "/watchlist").headers["ETag"]
    assert ask("GET", "/watchlist", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "body",
    [
        {"markets": ["binance:NEW/USDT"]},
        {"markets": ["nonsense"]},
        {"markets": [BTC], "sort": "beauty"},
        {"markets": [BTC], "user_id": 1},
        {"markets": [BTC] * 101},
        {},
    ],
)
def test_what_does_not_fit_is_refused(api, stored, body) -> None:
    ask = api(Role.VIEWER)
    assert is_problem(ask("PUT", "/watchlist", body), 422)
    assert names(ask) == []


def test_a_personal_token_reads_and_does_not_change(app: Flask, api, stored) -> None:
    wanted = {"current_password": PASSWORD, "name": "report", "scopes": ["read", "train"]}
    reader = asker(app, api()("POST", "/auth/tokens", wanted).get_json()["token"])
    assert reader("GET", "/watchlist").status_code == 200
    assert is_problem(reader("PUT", "/watchlist", {"markets": [BTC]}), 403)
