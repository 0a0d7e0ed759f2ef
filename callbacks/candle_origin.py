"""Where one candle came from: what the form or the address asks for, looked up."""

from datetime import UTC, datetime
from typing import Any

from dash import Input, Output, State
from sqlalchemy.orm import Session

import core.market_name as market_name
import db.engine
import db.queries.markets as markets
from callbacks.data_quality import chart_at
from callbacks.wiring import Wiring
from core.clock import from_ms, to_ms, utc_now
from core.errors import NotFound, Refused
from core.market_name import MarketName
from core.timeframe import TIMEFRAMES, Timeframe
from db.queries import provenance
from db.queries.provenance import Provenance
from db.tables import Market
from layouts import ids
from layouts.components.candle_origin import Origin, not_known, origin
from layouts.components.delivery import NOT_NOTED, Delivery, from_words
from layouts.components.numbers import moment
from market.quality import WICK

HOW = "Write a time such as 2024-05-01 12:00, in UTC."
LATEST_MS = 32_503_680_000_000  # the year 3000

wire = Wiring()


@wire(
    Output(ids.DataQuality.ORIGIN, "children"),
    Input(ids.DataQuality.ASK, "n_clicks"),
    State(ids.DataQuality.MARKET, "value"),
    State(ids.DataQuality.FRAME, "value"),
    State(ids.DataQuality.AT, "value"),
)
def show_origin(_clicks: int | None, market: str | None, timeframe: str | None, at: str | None) -> Any:
    """Everything that is known of the candle that is open at a time; nothing while nothing was asked."""
    if not market or not at or timeframe not in TIMEFRAMES:
        return None
    now = utc_now()
    try:
        name = named(market)
        opened = TIMEFRAMES[timeframe].floor(when(at))
        with db.engine.session() as session:
            found = markets.get(session, name)
            return origin(read(session, found, TIMEFRAMES[timeframe], from_ms(opened), now=now), now=now)
    except (Refused, NotFound) as error:
        return not_known(error.sentence)


def named(text: str) -> MarketName:
    """`binance:BTC/USDT`, or `binance/BTC-USDT` as addresses have it."""
    if ":" in text:
        return market_name.parse(text)
    exchange, _, symbol = text.partition("/")
    return market_name.parse_path(exchange, symbol)


def when(text: str) -> int:
    """ms UTC of `1714564800000`, `2024-05-01 12:00` or `2024-05-01T12:00Z`; raises Refused."""
    text = text.strip()
    try:
        moment_ = int(text) if text.isdecimal() else to_ms(_aware(datetime.fromisoformat(text)))
    except (ValueError, OverflowError):
        raise Refused(HOW) from None
    if not 0 <= moment_ < LATEST_MS:
        raise Refused(HOW)
    return moment_


def _aware(told: datetime) -> datetime:
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def read(session: Session, market: Market, frame: Timeframe, opened: datetime, *, now: datetime) -> Origin:
    """The candle that opens then, or what is known of the hole there."""
    told = provenance.of_candle(session, market.id, frame, opened)
    candle = told.candle
    return Origin(
        name=str(MarketName(market.exchange, market.symbol)),
        timeframe=frame.name,
        opened=opened,
        closed=from_ms(to_ms(opened) + frame.ms),
        simulated=market.simulated,
        decimals=market.price_decimals,
        bar=(candle.open, candle.high, candle.low, candle.close, candle.volume) if candle else None,
        flagged=bool(candle and candle.flags & WICK),
        source=source_words(market, told),
        gap=gap_words(told, opened, now=now),
        revised=tuple((row.at, row.source, row.old_close, row.new_close) for row in told.revised),
        files=tuple((row.file_name, row.created_at, row.stored) for row in told.files),
        delivery=delivery_of(told),
        updated_at=told.series.updated_at if told.series else None,
        chart=chart_at(market, frame.name, opened, 1),
    )


def source_words(market: Market, told: Provenance) -> str:
    """Who gave the candle, as far as it is known."""
    venue = "the demo exchange" if market.simulated else market.exchange.capitalize()
    came = delivery_of(told)
    if came is not None:
        return from_words(venue, came) + (": it is made up" if market.simulated else "")
    if market.simulated:
        return f"the demo exchange: it is made up; how it came was {NOT_NOTED}"
    return f"{guessed_words(venue, told)}; how exactly was {NOT_NOTED}"


def guessed_words(venue: str, told: Provenance) -> str:
    """What follows from the rest that is stored, where no delivery was written down."""
    if told.revised:
        return f"{told.revised[-1].source.capitalize()}, which told it anew"
    if told.fetched:
        return f"{venue}, fetched or streamed once it had closed"
    if told.fetched is None:
        return f"{venue} or a file below: both gave candles of this series"
    return "a file below: its exchange was not asked"


def delivery_of(told: Provenance) -> Delivery | None:
    """How the candle came, as the page shows it."""
    row = told.delivery
    if row is None:
        return None
    return Delivery(row.source, row.detail, row.answered_at, row.stored_at, row.stored_until, row.scattered)


def gap_words(told: Provenance, opened: datetime, *, now: datetime) -> str:
    """What is known of a hole at this place; empty where there is nothing to say."""
    if told.gap is not None:
        first, n = told.gap.first_missing, told.gap.count
        whole = f"of {n} {'candle' if n == 1 else 'candles'} from {moment(first, now=now)}"
        seen = f"seen {moment(told.gap.seen_at, now=now)}"
        if told.gap.state == "filled":
            return f"{whole}, {seen}, filled {moment(told.gap.ended_at, now=now)}"
        if told.gap.state == "confirmed":
            return f"{whole}, {seen}; confirmed: its exchange had nothing in three answers"
        return f"{whole}, {seen}; open, {told.gap.answers} of 3 answers had nothing"
    if told.candle is not None or told.series is None or told.series.first_open is None:
        return ""
    if opened < told.series.first_open:
        return f"Before the first stored candle, {moment(told.series.first_open, now=now)}"
    if told.series.last_open is not None and opened > told.series.last_open:
        return f"After the newest stored candle, {moment(told.series.last_open, now=now)}"
    return "Inside the series, which is not followed: nobody was asked"
