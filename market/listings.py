"""Which markets an exchange offers, brought into our own table."""

from sqlalchemy.orm import Session

from core import market_name
from core.errors import Refused
from db.queries import markets
from db.tables import Market
from market.gateway import ListedMarket


def take_up(
    session: Session, exchange: str, listed: list[ListedMarket], *, simulated: bool, followed: bool
) -> list[Market]:
    """Make a market of every active listing, in the order given; those whose symbol we cannot write are left out."""
    taken = []
    for listing in listed:
        if not listing.active:
            continue
        try:
            name = market_name.make(exchange, listing.symbol)
        except Refused:
            continue
        market = markets.get_or_create(session, name, simulated=simulated, price_decimals=listing.price_decimals)
        if followed:
            markets.set_followed(session, market.id, True)
        taken.append(market)
    return taken
