"""Candles from exchanges: probing, the demo's first fill, back-filling, topping up."""

import logging
import time
from typing import Any

import core.timeframe as timeframes
from core.clock import to_ms, utc_now
from core.deadline import within
from core.errors import ExchangeBackOff, ExchangeUnavailable, NotFound, Refused
from core.jobs import BACKFILL, FILL_DEMO
from core.market_name import make as make_name
from core.settings import Settings
from core.timeframe import TIMEFRAMES, Timeframe
from db.queries import breaks, instance, jobs, markets
from db.queries import candles as stored_candles
from db.tables import Market
from market import ccxt_gateway, guarded_gateway, ingest, listings
from market.gateway import ExchangeGateway
from workers.context import DEMO, JobContext

PROBE_S = 5.0  # an exchange that needs longer for its clock does not answer
DEMO_STARTS_S = 90.0  # how long the demo exchange may take from being wanted to answering
DAY_MS = 86_400_000
SPANS = {"1h": 730 * DAY_MS, "5m": 30 * DAY_MS, "1m": 3 * DAY_MS}  # the demo's timeframes go back this far
NEWEST = 5_000  # candles of each timeframe a market begins with; `workers.history` goes on from there
DEMO_FIRST = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")
ENOUGH = 0.98  # of a span is stored: the rest comes by topping up

log = logging.getLogger(__name__)


# Is anybody there


def probe_exchanges(context: JobContext) -> dict[str, Any]:
    """Ask the first configured exchange for its time, and decide at the first start whether the demo is needed."""
    answered = _answers(context)
    with context.session() as session:
        row = instance.get(session)
        wanted = demo_wanted(context.settings, row.demo_enabled, answered)
        row.demo_enabled = wanted
        unfilled = wanted and not _demo_filled(markets.table(session))
    if unfilled:
        jobs.submit(FILL_DEMO, {}, dedupe=FILL_DEMO.name)
    return {"answered": answered, "demo": wanted}


def demo_wanted(settings: Settings, before: bool | None, answered: bool) -> bool:
    """DEMO=on and off decide; `auto` decides once, at the first start, and stays with it."""
    if settings.demo != "auto":
        return settings.demo == "on"
    return before if before is not None else not answered


def _answers(context: JobContext) -> bool:
    if not context.settings.exchanges:
        return False
    name = context.settings.exchanges[0]
    gateway = guarded_gateway.make(name, context.settings, context.redis, timeout_s=PROBE_S, attempts=1)
    try:
        within(PROBE_S, gateway.server_time)
    except ExchangeBackOff:
        return True  # it is there, and busy
    except (ExchangeUnavailable, NotFound, Refused) as error:
        log.info("exchange_does_not_answer", extra={"exchange": name, "reason": error.sentence})
        return False
    return True


def _demo_filled(table: list[markets.MarketRow]) -> bool:
    rows = [row for row in table if row.exchange == DEMO]
    wanted = {t: ENOUGH * span / TIMEFRAMES[t].ms for t, span in SPANS.items()}
    return bool(rows) and all(t in row.series and row.series[t].rows >= n for row in rows for t, n in wanted.items())


# Filling


def fill_demo(context: JobContext, symbols: list[str] | None = None) -> dict[str, Any]:
    """Bring the demo exchange's markets in: the four people look at first, and a job for each of the others.

    So nothing that somebody waits for stands behind all twelve. With `symbols` these and no others.
    """
    gateway = _when_demo_answers(context)
    first = symbols or DEMO_FIRST
    with context.session() as session:
        taken = listings.take_up(session, DEMO, gateway.markets(), simulated=True, followed=True)
    now = [market for market in taken if market.symbol in first]
    began, stored = time.monotonic(), 0
    for number, market in enumerate(now):
        stored += _fill(context, gateway, market, SPANS, begin=number / len(now), share=1 / len(now))
    log.info("demo_markets_ready", extra={"markets": len(now), "seconds": round(time.monotonic() - began, 1)})
    later = [] if symbols else [market for market in taken if market.symbol not in first]
    for market in later:
        jobs.submit(FILL_DEMO, {"symbols": [market.symbol]}, dedupe=f"{FILL_DEMO.name}:{market.symbol}")
    return {"markets": len(now), "later": len(later), "stored": stored}


def _when_demo_answers(context: JobContext) -> ExchangeGateway:
    """The demo exchange, once the supervisor has started it. Looking for it does not count as its failure."""
    patience = time.monotonic() + DEMO_STARTS_S
    while True:
        context.check_cancelled()
        with context.session() as session:
            url = instance.get(session).demo_url
        try:
            ccxt_gateway.make(DEMO, base_url=url, timeout_s=PROBE_S).server_time()
            return context.gateway(DEMO)
        except (NotFound, ExchangeUnavailable):
            if time.monotonic() > patience:
                raise
        context.progress(0.0, "Waiting for the demo exchange")
        time.sleep(0.5)


def _fill(
    context: JobContext,
    gateway: ExchangeGateway,
    market: Market,
    wanted: dict[str, int],
    *,
    begin: float = 0.0,
    share: float = 1.0,
) -> int:
    """Fetch what is missing of the wanted spans (ms by timeframe), newest first; returns how many candles are new.

    Progress goes from `begin` on, by `share`.
    """
    stored = 0
    for number, (timeframe, span) in enumerate(wanted.items()):

        def progress(fraction: float, number: int = number, timeframe: str = timeframe) -> None:
            done = begin + share * (number + fraction) / len(wanted)
            context.progress(done, f"{market.symbol} {timeframe}")

        now = utc_now()
        fetched = ingest.fetch_span(
            gateway,
            context.session,
            market,
            timeframe,
            to_ms(now) - span,
            to_ms(now),
            now=now,
            newest_first=True,
            progress=progress,
            check_cancelled=context.check_cancelled,
        )
        stored += fetched.stored
    return stored


def backfill(context: JobContext, market_id: int, timeframe: str | None = None) -> dict[str, Any]:
    """Fetch the newest candles of one market: all followed timeframes, or the one named. Older ones follow later.

    A market its exchange does not list is followed no longer, and forgotten where nothing of it is stored.
    """
    with context.session() as session:
        market = markets.by_id(session, market_id)
    try:
        gateway = context.gateway(market.exchange)
        listed = {m.symbol: m for m in gateway.markets()}.get(market.symbol)
        if listed is None:
            raise NotFound(f"{market.exchange} lists no market {market.symbol}. Choose one it lists.")
    except NotFound:
        _let_go(context, market)
        raise
    with context.session() as session:
        markets.get_or_create(session, make_name(market.exchange, market.symbol), price_decimals=listed.price_decimals)
    names = (timeframe,) if timeframe else markets.timeframes_of(market)
    wanted = {name: _span(market, timeframes.parse(name)) for name in names}
    return {"stored": _fill(context, gateway, market, wanted)}


def _span(market: Market, frame: Timeframe) -> int:
    """How far back (ms) a series is fetched at once; `workers.history` goes on from there.

    The candle that runs lies in the span too, and does not count.
    """
    usual = (NEWEST + 1) * frame.ms
    return SPANS.get(frame.name, usual) if market.exchange == DEMO else usual


def _let_go(context: JobContext, market: Market) -> None:
    if market.exchange == DEMO:  # which may only be starting
        return
    with context.session() as session:
        if markets.series_of(session, market.id):
            markets.set_followed(session, market.id, False)
        else:
            session.delete(markets.by_id(session, market.id))


# Keeping up


def top_up(context: JobContext) -> dict[str, Any]:
    """Fetch what has closed since the last stored candle of every followed market.

    An exchange that fails is left for the next minute; the others go on. So do the other series of an exchange that
    knows one market no longer, or answers for one with rows that are no candles. A market without candles is
    back-filled.
    """
    with context.session() as session:
        followed, paused = markets.followed(session), breaks.paused(session)
    stored, failed = 0, dict[str, str]()
    by_exchange: dict[str, list[Market]] = {}
    for market in followed:
        by_exchange.setdefault(market.exchange, []).append(market)
    for exchange, its_markets in by_exchange.items():
        try:
            gateway = context.gateway(exchange)
            for market in its_markets:
                stored += _top_up_market(context, gateway, market, paused, failed)
        except (ExchangeUnavailable, NotFound, Refused) as error:
            failed[exchange] = error.sentence
            log.warning("exchange_not_topped_up", extra={"exchange": exchange, "reason": error.sentence})
    return {"markets": len(followed), "stored": stored, "failed": failed}


def _top_up_market(
    context: JobContext,
    gateway: ExchangeGateway,
    market: Market,
    paused: set[tuple[int, str]],
    failed: dict[str, str],
) -> int:
    stored = 0
    for name in markets.timeframes_of(market):
        if (market.id, name) in paused:
            continue
        with context.session() as session:
            last = stored_candles.last_open_ms(session, market.id, name)
        if last is None:
            if market.exchange != DEMO:  # which `probe_exchanges` has filled
                jobs.submit(BACKFILL, {"market_id": market.id}, dedupe=f"{BACKFILL.name}:{market.id}")
            return stored
        try:
            stored += _top_up_series(context, gateway, market, TIMEFRAMES[name], last)
        except ingest.OF_ONE_MARKET as error:
            failed[f"{market.exchange}:{market.symbol}"] = error.sentence
            log.warning("market_not_topped_up", extra={"market": market.symbol, "reason": error.sentence})
    return stored


def _top_up_series(context: JobContext, gateway: ExchangeGateway, market: Market, frame: Timeframe, last: int) -> int:
    """Fetch what has closed since `last`. That one is asked for again: who has lost it is not believed."""
    now = utc_now()
    now_ms = to_ms(now)
    if last + frame.ms > frame.last_closed(now_ms):
        return 0
    start = max(last, now_ms - _span(market, frame))
    fetched = ingest.fetch_span(
        gateway,
        context.session,
        market,
        frame.name,
        start,
        now_ms,
        now=now,
        via="top_up",
        check_cancelled=context.check_cancelled,
    )
    if fetched.asked and not fetched.came and not fetched.skipped and start == last:
        raise ingest.lost(market, frame.name)
    return fetched.stored
