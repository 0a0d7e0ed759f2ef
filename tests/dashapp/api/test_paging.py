"""U38: reading page after page while others write: nothing that was there is lost, nothing comes twice."""

import numpy as np
import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.market_name import MarketName
from core.ohlcv import Candles
from core.settings import Settings
from dashapp.api import paging
from dashapp.api.problems import Invalid
from db.queries import candles, markets
from tests.api import STEADY, asker, login
from tests.candles import walk
from tests.web import OWNER, make_app, settings_for

COINS = [f"C{n:03}" for n in range(200)]


@pytest.fixture
def roomy(settings: Settings, app: Flask, owner: int) -> Flask:
    return make_app(settings_for(settings.database_url, settings.redis_url, **STEADY))


@trying(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.sets(st.sampled_from(COINS), min_size=1, max_size=15),
    later=st.lists(st.sampled_from(COINS), max_size=8),
    limit=st.integers(1, 6),
)
def test_u38_markets_that_come_in_between_neither_shift_nor_repeat_any(
    roomy: Flask, database: Engine, first: set[str], later: list[str], limit: int
) -> None:
    token = _token(roomy, database)
    with Session(database) as session:
        for coin in first:
            markets.get_or_create(session, MarketName("kraken", f"{coin}/USDT"))
        session.commit()
    ask, seen, cursor, waiting = asker(roomy, token), [], "", list(later)
    while True:
        page = ask("GET", f"/markets?limit={limit}{cursor}").get_json()
        seen += [item["symbol"] for item in page["items"]]
        assert len(page["items"]) <= limit
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
        if waiting:
            with Session(database) as session:
                markets.get_or_create(session, MarketName("kraken", f"{waiting.pop()}/USDT"))
                session.commit()
    assert len(seen) == len(set(seen))
    assert {f"{coin}-USDT" for coin in first} <= set(seen)
    assert seen == sorted(seen)


def _token(app: Flask, database: Engine) -> str:
    """Another try begins with an empty table; the owner stays."""
    with database.begin() as connection:
        connection.execute(text("DELETE FROM markets"))
    return login(app, OWNER)["access_token"]


def test_u38_candles_that_come_in_between_are_neither_lost_nor_repeated(roomy: Flask, session: Session) -> None:
    whole = walk(60)
    market = markets.get_or_create(session, MarketName("kraken", "BTC/USDT"))
    candles.upsert(session, market.id, "1h", whole[:40])
    session.commit()
    ask, seen, cursor, stored = asker(roomy, login(roomy, OWNER)["access_token"]), [], "", 40
    while True:
        page = ask("GET", f"/markets/BTC-USDT/candles?limit=7{cursor}").get_json()
        seen += [item["close"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
        if stored < len(whole):
            new: Candles = whole[stored : stored + 5]
            candles.upsert(session, market.id, "1h", new)
            session.commit()
            stored += 5
    assert np.array_equal(seen, whole[:40].close[::-1])


@trying(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_u38_a_made_up_cursor_is_refused_or_means_what_it_says(cursor: str) -> None:
    try:
        key = paging.decode(cursor, int, str)
    except Invalid:
        return
    assert key is not None
    assert [type(part) for part in key] == [int, str]


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=40), st.integers(1, 9))
def test_u38_pages_put_together_are_the_list(items: list[int], limit: int) -> None:
    items.sort(reverse=True)
    seen: list[int] = []
    while True:
        rest = [item for item in items if not seen or item < seen[-1]]
        page, cursor = paging.cut(rest[: limit + 1], limit, lambda item: (item,))
        seen += page
        if cursor is None:
            break
        assert paging.decode(cursor, int) == (seen[-1],)
    assert seen == items
