"""Markets are found by what people call a coin, in every search alike."""

from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.market_name import parse
from db.queries import coin_names, listings, markets
from db.tables import Coin

TOLD: dict[str, Any] = {"rank": None, "price_usd": 1.0, "updated_at": utc_now()}
COINS = (
    ("tether", "USDT", "Tether", 2e11),
    ("wrapped", "WBTC", "Wrapped Bitcoin", 9e9),
    ("bitcoin", "BTC", "Bitcoin", 2e12),
    ("batcoin", "BTC", "Batcoin", 12.0),
    ("fancy", "FNC", "Fancy's Coin 2.0", None),
)


@pytest.fixture
def desk(session: Session) -> None:
    session.execute(insert(Coin), [TOLD | {"id": i, "symbol": s, "name": n, "market_cap": c} for i, s, n, c in COINS])
    for name in ("binance:WBTC/USDT", "kraken:BTC/USD", "binance:BTC/USDT", "demo:SOL/USDT", "binance:ETH/USDT"):
        markets.get_or_create(session, parse(name), simulated=name.startswith("demo"))
    listings.put(session, "binance", {"BTC/USDT": 2, "BCH/USDT": 2, "FNC/USDT": 4}, now=utc_now())


def stored(session: Session, text: str) -> list[str]:
    return [str(row.name) for row in markets.search(session, text)]


def listed(session: Session, text: str) -> list[str]:
    return [str(row.name) for row in listings.search(session, text)]


def test_the_whole_name_comes_first_and_words_of_names_after_it(session: Session, desk: None) -> None:
    assert stored(session, "bitcoin") == ["kraken:BTC/USD", "binance:BTC/USDT", "binance:WBTC/USDT"]
    assert listed(session, "Bitcoin") == [*stored(session, "bitcoin"), "binance:BCH/USDT"]
    assert listings.count(session, "Bitcoin") == 4
    assert listed(session, "bitcoin cash") == ["binance:BCH/USDT"]


def test_simulated_markets_have_names_without_any_coin_told(session: Session) -> None:
    for base in ("SOL", "ADA"):
        markets.get_or_create(session, parse(f"demo:{base}/USDT"), simulated=True)
    assert stored(session, "solana") == ["demo:SOL/USDT"]
    assert stored(session, "cardano") == ["demo:ADA/USDT"]


def test_of_coins_of_one_symbol_only_the_largest_has_its_markets(session: Session, desk: None) -> None:
    assert coin_names.called(session, "batcoin") == {}
    assert coin_names.called(session, "bitcoin") == {"BTC": True, "WBTC": False, "BCH": False}


def test_a_name_is_found_by_the_beginning_of_a_word_and_not_by_its_middle(session: Session, desk: None) -> None:
    assert coin_names.called(session, "eth") == {"ETH": False, "ETC": False}  # and not Tether
    assert listed(session, "fancys coin 2") == ["binance:FNC/USDT"]
    assert coin_names.called(session, "bi") == {}


@pytest.mark.parametrize("text", ["", "%", "b.*", "a|b", "'; --", "\N{SNOWMAN}"])
def test_signs_mean_nothing(session: Session, desk: None, text: str) -> None:
    assert coin_names.called(session, text) == {}


def test_names_are_those_coingecko_tells_and_else_the_known_ones(session: Session, desk: None) -> None:
    told = coin_names.of(session, ["FNC", "SOL", "BTC", "NOBODY"])
    assert told == {"FNC": "Fancy's Coin 2.0", "SOL": "Solana", "BTC": "Bitcoin"}
