"""The chain of sources: while an exchange is silent, the next one that has a market serves it.

The candles of a stand-in stay its own. It goes home once the first exchange has answered for a while, which TOP_UP
finds out: it asks a silent exchange once a minute.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import market_name
from core.clock import utc_now
from core.errors import ExchangeUnavailable, NotFound, Refused
from core.jobs import BACKFILL
from core.market_name import MarketName
from db.queries import jobs, markets, sources
from db.tables import Market
from market.gateway import ListedMarket
from workers.context import DEMO, JobContext

DOLLARS = ("USD", "USDT", "USDC")  # near equivalents, where no exchange has the quote itself
CHAIN = "source chain"  # who asks for the candles of a stand-in

log = logging.getLogger(__name__)
Listings = dict[str, dict[str, ListedMarket]]


def switch_sources(context: JobContext) -> dict[str, Any]:
    """Send stand-ins home that nobody needs any more, and find one for every followed market that has none."""
    now = utc_now()
    with context.session() as session:
        ended = _send_home(session, now=now)
        silent = sources.silent(session, now=now)
        wanted = _without_source(session, silent)
    listings = _listings(context, silent) if wanted else {}
    begun, alone = 0, []
    for market in wanted:
        name = choose(MarketName(market.exchange, market.symbol), context.settings.exchanges, listings)
        if name is None:
            alone.append(f"{market.exchange}:{market.symbol}")
        elif _begin(context, market, name, listings[name.exchange][name.symbol], silent[market.exchange], now=now):
            begun += 1
    return {"begun": begun, "ended": ended, "alone": alone}


def _send_home(session: Session, *, now: datetime) -> int:
    """End what is needed no longer, or served by an exchange that is silent itself. Returns how many."""
    silent, well = sources.silent(session, now=now), sources.well(session, now=now)
    followed = {market.id for market in markets.followed(session)}
    over = [
        one
        for one in sources.stand_ins(session).values()
        if one.own.exchange in well or one.market_id not in followed or one.name.exchange in silent
    ]
    for one in over:
        sources.end(session, one, now=now)
        log.info("stand_in_ended", extra={"market": str(one.own), "stand_in": str(one.name)})
    return len(over)


def _without_source(session: Session, silent: Iterable[str]) -> list[Market]:
    """Followed markets of silent exchanges that nobody stands in for. A stand-in gets none itself."""
    serving = sources.stand_ins(session)
    hired = {one.stand_in_id for one in serving.values() if one.automatic}
    return [
        market
        for market in markets.followed(session)
        if market.exchange in silent and market.exchange != DEMO and market.id not in serving and market.id not in hired
    ]


def _listings(context: JobContext, silent: Iterable[str]) -> Listings:
    """What the other exchanges of the chain list; one that fails now is left out."""
    found: Listings = {}
    for exchange in context.settings.exchanges:
        if exchange in silent:
            continue
        try:
            listed = context.gateway(exchange).markets()
        except (ExchangeUnavailable, NotFound, Refused) as error:
            log.warning("exchange_cannot_stand_in", extra={"exchange": exchange, "reason": error.sentence})
            continue
        found[exchange] = {one.symbol: one for one in listed if one.active}
    return found


def choose(own: MarketName, chain: tuple[str, ...], listings: Listings) -> MarketName | None:
    """The market that serves in place of `own`: the same symbol of the first exchange of the chain that lists it.

    Where none does, the same coin against another dollar.
    """
    quotes = [own.quote, *(quote for quote in DOLLARS if own.quote in DOLLARS and quote != own.quote)]
    for quote in quotes:
        for exchange in chain:
            symbol = f"{own.base}/{quote}"
            if exchange != own.exchange and symbol in listings.get(exchange, {}):
                return market_name.make(exchange, symbol)
    return None


def _begin(
    context: JobContext, market: Market, name: MarketName, listed: ListedMarket, reason: str, *, now: datetime
) -> bool:
    """Follow the stand-in and have its candles fetched; False where it serves already."""
    with context.session() as session:
        other = markets.get_or_create(session, name, price_decimals=listed.price_decimals)
        automatic = not other.followed
        why = f"{market.exchange} {reason}"
        if not sources.begin(session, market.id, other.id, reason=why, automatic=automatic, now=now):
            return False
        if automatic:
            other.followed, other.timeframes = True, market.timeframes
        other_id = other.id
    jobs.submit(BACKFILL, {"market_id": other_id}, asked_by=CHAIN, dedupe=f"{BACKFILL.name}:{other_id}")
    log.info("stand_in_begun", extra={"market": f"{market.exchange}:{market.symbol}", "stand_in": str(name)})
    return True
