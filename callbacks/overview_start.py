"""What a desk with an empty watch-list is told: which steps are done, and which markets to begin with."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import db.queries.instance
from core.market_name import MarketName
from core.settings import Settings
from db.queries import markets, sources, trained_models
from db.tables import Series
from layouts.components.numbers import count
from layouts.components.watchlist_start import FIRST, Start, Step

YEAR = 365 * 24  # hourly candles


def read(session: Session, settings: Settings, *, may_follow: bool) -> Start:
    """A handful of small queries; only a person without markets asks them."""
    known = markets.table(session)
    simulated = next((row for row in known if row.simulated and row.series), None)
    first = settings.exchanges[0] if settings.exchanges else None
    often = [(MarketName(first, f"{base}/{quote_of(first)}"), name) for base, name in FIRST] if first else []
    return Start(
        markets=tuple((one.path, one.symbol, name, one.exchange) for one, name in often) if may_follow else (),
        simulated=f"/charts/{simulated.name.path}" if simulated else None,
        steps=steps(session, bool(known)),
        desk_empty=not known,
        may_follow=may_follow,
    )


def quote_of(exchange: str) -> str:
    """What an exchange's largest markets are quoted in."""
    return "USD" if exchange in {"coinbase", "kraken", "bitstamp", "gemini"} else "USDT"


def steps(session: Session, any_market: bool) -> tuple[Step, ...]:
    """From the owner to the first model."""
    answering = [row for row in sources.all_of_them(session) if row.state == "ok"]
    demo = bool(db.queries.instance.get(session).demo_enabled)
    rows = int(session.scalar(select(func.max(Series.rows)).where(Series.timeframe == "1h")) or 0)
    models = trained_models.count(session)
    reached = "The demo exchange answers" if demo else "Within a minute of the start"
    if answering:
        ms = answering[0].latency_ms
        reached = f"{answering[0].exchange.capitalize()} answers" + (f" in {count(ms)} ms" if ms is not None else "")
    collected = f"{count(min(rows, YEAR))} of {count(YEAR)} hours" if rows else "Takes a few minutes"
    return (
        Step("Create the owner", "Done", True),
        Step("Reach a data source", reached, bool(answering) or demo),
        Step("Add a market", "Some are stored" if any_market else "Next", any_market),
        Step("Collect a year of candles", collected, rows >= YEAR),
        Step("Train a first model", f"{models} trained" if models else "Takes 5 to 20 minutes", models > 0),
    )
