"""What the exchanges of the settings list, brought into our own table, so that the web can search it."""

import logging
from datetime import timedelta
from typing import Any

from core import market_name
from core.clock import utc_now
from core.errors import ExchangeUnavailable, NotFound, Refused
from db.queries import listings
from market.gateway import ListedMarket
from workers.context import JobContext

GOOD_FOR = timedelta(hours=6)

log = logging.getLogger(__name__)


def read_listings(context: JobContext) -> dict[str, Any]:
    """Ask exchanges whose list is older than `GOOD_FOR` for their markets; the others have nothing to say.

    One that fails keeps what it listed before, and is asked again the next time.
    """
    counts, failed = {}, {}
    with context.session() as session:
        seen = listings.last_seen(session)
    for exchange in context.settings.exchanges:
        if exchange in seen and utc_now() - seen[exchange][1] < GOOD_FOR:
            continue
        context.check_cancelled()
        try:
            found = writable(exchange, context.gateway(exchange).markets())
        except (ExchangeUnavailable, NotFound, Refused) as error:
            failed[exchange] = error.sentence
            log.warning("listings_not_read", extra={"exchange": exchange, "reason": error.sentence})
            continue
        with context.session() as session:
            listings.put(session, exchange, found, now=utc_now())
        counts[exchange] = len(found)
    return {"listed": counts, "failed": failed}


def writable(exchange: str, listed: list[ListedMarket]) -> dict[str, int | None]:
    """{symbol: decimals of its prices} of active markets; those whose symbol we cannot write are left out."""
    found: dict[str, int | None] = {}
    for one in listed:
        try:
            name = market_name.make(exchange, one.symbol)
        except Refused:
            continue
        if one.active:
            found[name.symbol] = one.price_decimals
    return found
