"""The Overview page on a real database: the list, its figures, what a person does to it, and an empty desk."""

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import insert
from sqlalchemy.orm import Session

from callbacks import overview as page
from callbacks import overview_start
from callbacks.overview_frame import last_ticks
from core import ticks
from core.clock import to_ms, utc_now
from core.jobs import BACKFILL
from core.market_name import parse
from core.roles import Role
from core.ticks import Tick
from core.timeframe import TIMEFRAMES
from dashapp.auth import accounts, sessions
from db.queries import audit, coins, jobs, listings, markets, watchlists
from db.tables import Coin, SourceHealth
from layouts.components import watchlist, watchlist_calls
from layouts.components.watchlist_calls import Card
from layouts.pages import overview as layout
from market.summary import Point
from tests.candle_data import store, walk
from tests.fire import fire, toasts
from tests.web import SignIn

HOUR = 3_600_000
TICK = {"overview-tick.n_intervals": 0, "overview-done.data": None}


@pytest.fixture
def now_ms() -> int:
    return TIMEFRAMES["1h"].floor(to_ms(utc_now()))


@pytest.fixture
def btc(session: Session, now_ms: int) -> int:
    """A followed market whose newest hour has just closed."""
    made = walk(300, start_ms=now_ms - 300 * HOUR)
    return store(session, "binance:BTC/USDT", made, followed=True).id


def shown(client: Any, part: str = "frame") -> Any:
    told = fire(client, TICK, output="overview-frame").get_json()["response"]
    return told["overview-frame"]["data"] if part == "frame" else str(told[f"overview-{part}"]["children"])


def do(client: Any, **wish: Any) -> Any:
    return fire(client, {"overview-do.data": wish | {"n": "1"}})


def symbols(client: Any) -> list[str]:
    return [f"{row['base']}/{row['quote']}" for row in shown(client)["rows"]]


def test_the_page_opens_without_arguments() -> None:
    assert "overview-table" in str(layout.layout())


def test_a_row_has_its_figures_and_says_why_one_is_missing(signed_in: SignIn, session: Session, btc: int) -> None:
    (row,) = shown(signed_in(Role.VIEWER))["rows"]
    assert (row["id"], row["path"], row["followed"], row["sim"]) == (btc, "binance/BTC-USDT", True, False)
    assert set(row["past"]) == {"hour", "day", "week"}
    assert len(row["spark"].split(",")) == 85
    assert row["volume"] > 0
    assert (row["cap"], row["call"]) == (None, None)
    assert "capitalisation" in row["why"]["cap"]


def test_capitalisation_comes_from_the_largest_coin_of_the_symbol(
    signed_in: SignIn, session: Session, btc: int
) -> None:
    told = {"symbol": "BTC", "rank": None, "price_usd": 1.0, "updated_at": utc_now()}
    session.execute(
        insert(Coin),
        [
            told | {"id": "bitcoin", "name": "Bitcoin", "market_cap": 1.8e12},
            told | {"id": "batcoin", "name": "Batcoin", "market_cap": 12.0},
        ],
    )
    session.commit()
    client = signed_in(Role.VIEWER)
    (row,) = shown(client)["rows"]
    assert (row["cap"], row["name"]) == (1.8e12, "Bitcoin")
    assert "1 smaller coins share its symbol" in row["why"]["cap"]
    session.query(Coin).update({"updated_at": utc_now() - timedelta(days=3)})
    session.commit()
    assert shown(client)["rows"][0]["cap"] is None


@pytest.mark.parametrize(
    ("hours", "sign", "factor", "note"),
    [(1, "€", 0.9, ""), (60, "$", 1.0, "the rate for EUR is from"), (None, "$", 1.0, "no rate for EUR is known yet")],
)
def test_capitalisation_is_in_the_currency_chosen_or_says_why_not(
    signed_in: SignIn, session: Session, btc: int, hours: int | None, sign: str, factor: float, note: str
) -> None:
    client, now = signed_in(Role.VIEWER), utc_now()
    user_id = client.user_id  # type: ignore[attr-defined]
    accounts.change_profile(session, user_id, display_name="", preferences={"currency": "EUR"})
    coin = {"id": "bitcoin", "name": "Bitcoin", "symbol": "BTC", "rank": 1, "price_usd": 1.0, "market_cap": 2e12}
    session.execute(insert(Coin), [coin | {"updated_at": now}])
    if hours is not None:
        coins.store_rates(session, {"EUR": 0.9, "CHF": 0.8}, asked_at=now - timedelta(hours=hours))
    session.commit()
    sessions.forget_answers()
    told = shown(client)
    assert told["rows"][0]["cap"] == pytest.approx(2e12 * factor)
    assert told["rows"][0]["why"]["cap"].startswith(f"Bitcoin in {'EUR' if factor < 1 else 'USD'}, CoinGecko")
    assert told["unit"]["sign"] == sign
    assert note in told["unit"]["note"]
    assert bool(note) == bool(told["unit"]["note"])


def test_the_last_tick_is_the_last_price(
    signed_in: SignIn, session: Session, btc: int, redis_url: str, now_ms: int
) -> None:
    ticks.publish(Redis.from_url(redis_url), Tick("binance", "BTC/USDT", 31_999.5, to_ms(utc_now()) + 1))
    (row,) = shown(signed_in(Role.VIEWER))["rows"]
    assert row["last"] == 31_999.5
    assert row["at"] > now_ms
    assert set(last_ticks(["binance:BTC/USDT"])) == {"binance:BTC/USDT"}
    assert isinstance(last_ticks(["binance:BTC/USDT"])["binance:BTC/USDT"], Point)


def test_the_finding_counts_real_markets_and_simulated_ones_only_alone(
    signed_in: SignIn, session: Session, now_ms: int
) -> None:
    client = signed_in(Role.VIEWER)
    made = walk(300, start_ms=now_ms - 300 * HOUR, seed=5)
    store(session, "demo:SOL/USDT", made, simulated=True, followed=True)
    assert "simulated market" in shown(client, "head")
    store(session, "binance:BTC/USDT", made, followed=True)
    head = shown(client, "head")
    assert "of 1 market rose over 24 hours" in head
    assert "simulated" not in head


def test_a_silent_exchange_is_named_with_its_markets(signed_in: SignIn, session: Session, now_ms: int) -> None:
    for base in ("BTC", "ETH", "LTC", "XRP"):
        store(session, f"kraken:{base}/USD", walk(300, start_ms=now_ms - 400 * HOUR), followed=True)
    head = shown(signed_in(Role.VIEWER), "head")
    assert "Kraken is stale." in head
    assert "BTC/USD, ETH/USD, LTC/USD and 1 more show their last known prices" in head


@pytest.mark.parametrize(("role", "may"), [(Role.VIEWER, False), (Role.ANALYST, True)])
def test_an_empty_desk_says_how_to_begin(signed_in: SignIn, role: Role, may: bool) -> None:
    head = shown(signed_in(role), "head")
    assert "No markets on this desk yet" in head
    assert "Getting started" in head
    assert ("binance/BTC-USDT" in head) is may
    assert ("for analysts and admins" in head) is not may


def test_the_checklist_ticks_off_what_is_done(session: Session, btc: int) -> None:
    before = {step.title: step.done for step in overview_start.steps(session, True)}
    assert before["Add a market"]
    assert not before["Reach a data source"]
    session.add(SourceHealth(exchange="binance", state="ok", latency_ms=84.0, checked_at=utc_now()))
    steps = {step.title: step for step in overview_start.steps(session, True)}
    assert steps["Reach a data source"].note == "Binance answers in 84 ms"
    assert steps["Collect a year of candles"].note == "300 of 8,760 hours"
    assert not steps["Train a first model"].done


def test_markets_are_added_moved_removed_and_put_back(signed_in: SignIn, session: Session, btc: int) -> None:
    client = signed_in(Role.VIEWER)
    eth = markets.get_or_create(session, parse("binance:ETH/USDT")).id
    session.commit()
    do(client, act="add", market="binance/ETH-USDT")
    assert symbols(client) == ["BTC/USDT", "ETH/USDT"]
    do(client, act="order", ids=[eth, btc])
    assert symbols(client) == ["ETH/USDT", "BTC/USDT"]
    do(client, act="remove", id=eth)
    assert symbols(client) == ["BTC/USDT"]
    do(client, act="undo", id=eth, place=0)
    assert symbols(client) == ["ETH/USDT", "BTC/USDT"]
    do(client, act="sort", by="day", down=False)
    told = shown(client)
    assert (told["sort"], told["down"]) == ("day", False)


def test_lists_have_names(signed_in: SignIn, btc: int) -> None:
    client = signed_in(Role.VIEWER)
    do(client, act="create", name="Small caps")
    assert "This watch-list is empty" in shown(client, "head")
    do(client, act="rename", name="Tiny caps")
    menu = shown(client, "lists")
    assert "Tiny caps" in menu
    assert "Main watch-list" in menu
    do(client, act="delete")
    assert symbols(client) == ["BTC/USDT"]
    answer = do(client, act="delete")
    assert "only watch-list" in str(toasts(answer))


def test_a_market_that_is_not_here_is_followed_by_those_who_may(signed_in: SignIn, session: Session) -> None:
    refused = do(signed_in(Role.VIEWER), act="add", market="kraken/BTC-USD")
    assert "Ask an analyst" in str(toasts(refused))
    assert markets.followed(session) == []
    analyst = signed_in(Role.ANALYST)
    do(analyst, act="add", market="kraken/BTC-USD")
    (market,) = markets.followed(session)
    (job,) = jobs.latest(session, name=BACKFILL.name)
    assert (job.args, job.owner_id) == ({"market_id": market.id}, analyst.user_id)
    assert symbols(analyst) == ["BTC/USD"]
    assert audit.page(session, audit.Wanted(action="market_followed"))[0].object == "kraken:BTC/USD"
    unknown = do(analyst, act="add", market="acme/BTC-USD")
    assert "EXCHANGES" in str(toasts(unknown))


@pytest.mark.parametrize(
    "wish",
    [
        {"act": "explode"},
        {"act": "remove", "id": "1; DROP TABLE users"},
        {"act": "remove", "id": True},
        {"act": "undo", "id": 10**6, "place": 0},
        {"act": "undo", "id": -1, "place": 0},
        {"act": "order", "ids": list(range(5_000))},
        {"act": "add", "market": None},
        {"act": "choose", "list": 10**6},
        {"act": "sort", "by": "beauty"},
    ],
)
def test_nonsense_changes_nothing(signed_in: SignIn, session: Session, btc: int, wish: dict[str, Any]) -> None:
    client = signed_in(Role.VIEWER)
    answer = do(client, **wish)
    assert toasts(answer)[0]["kind"] == "bad"
    assert answer.get_json()["response"]["overview-done"]["data"], "the page waits for an answer to each act"
    assert symbols(client) == ["BTC/USDT"]


def test_what_can_be_added_is_searched_among_stored_and_listed_markets(
    signed_in: SignIn, session: Session, btc: int
) -> None:
    listings.put(session, "kraken", {"BTC/USD": 1, "SOL/USD": 2}, now=utc_now())
    listings.put(session, "elsewhere", {"BTC/USD": 1}, now=utc_now())
    session.commit()
    asked = {"overview-query.value": "btc", "overview-done.data": None}
    for role, words in ((Role.VIEWER, "Analysts can follow it"), (Role.ANALYST, "Follow and add")):
        found = str(fire(signed_in(role), asked).get_json()["response"]["overview-found"]["children"])
        assert "kraken/BTC-USD" in found
        assert "elsewhere" not in found
        assert "On the list" in found
        assert words in found
    none = {"overview-query.value": "zzz", "overview-done.data": None}
    assert "No market is called" in fire(signed_in(Role.VIEWER), none).get_data(as_text=True)


def test_no_list_is_seen_by_others(signed_in: SignIn, session: Session, btc: int) -> None:
    mara, other = signed_in(Role.ANALYST), signed_in(Role.VIEWER)
    do(mara, act="remove", id=btc)
    assert symbols(mara) == []
    assert symbols(other) == ["BTC/USDT"]
    assert watchlists.shown(session, other.user_id).id is None  # type: ignore[attr-defined]


def test_a_card_shows_the_call_with_its_evidence() -> None:
    card = Card(
        market_path="binance/BTC-USDT",
        symbol="BTC/USDT",
        timeframe="1h",
        horizon=24,
        model_id=3,
        simulated=True,
        said="bullish",
        probabilities=(0.2, 0.3, 0.5),
        base_rates=(0.3, 0.4, 0.3),
        made="4 min ago",
        settled=38,
        skilled=False,
    )
    text = str(watchlist_calls.cards([card]))
    for words in ("38 of 100 calls", "Bullish", "SIM", "base rates 30%, 40%, 30%", "tf=1h&model=3"):
        assert words in text
    assert watchlist_calls.cards([]) == []


def test_all_and_none_are_said_in_words() -> None:
    assert "1,299" not in str(watchlist.finding(None, simulated=False))
    assert "a day of prices" in str(watchlist.finding(None, simulated=False))
    assert page.by_market([]) == {}
