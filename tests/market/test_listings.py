"""An exchange's list becomes markets of our own."""

from sqlalchemy.orm import Session

from db.queries import markets
from market import listings
from market.gateway import ListedMarket

LISTED = [
    ListedMarket("ETH/USDT", 2, True),
    ListedMarket("BTC/USDT", 1, True),
    ListedMarket("OLD/USDT", 4, False),
    ListedMarket("BTC/USDT:USDT", 1, True),
]


def test_active_markets_are_taken_up_in_the_order_given(session: Session) -> None:
    taken = listings.take_up(session, "demo", LISTED, simulated=True, followed=True)
    assert [(m.symbol, m.price_decimals, m.simulated) for m in taken] == [("ETH/USDT", 2, True), ("BTC/USDT", 1, True)]
    assert [m.symbol for m in markets.followed(session)] == ["BTC/USDT", "ETH/USDT"]


def test_taking_up_again_makes_nothing_twice_and_follows_nothing_unasked(session: Session) -> None:
    first = listings.take_up(session, "kraken", LISTED, simulated=False, followed=False)
    again = listings.take_up(session, "kraken", LISTED, simulated=False, followed=False)
    assert [m.id for m in first] == [m.id for m in again]
    assert markets.followed(session) == []
