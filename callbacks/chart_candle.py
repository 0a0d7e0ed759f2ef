"""A click on a candle: where it came from, when, and what happened to it since."""

from typing import Any

from dash import Input, Output
from dash.exceptions import PreventUpdate
from sqlalchemy.orm import Session

import db.engine
import db.queries.chart_facts as chart_facts
import db.queries.markets as markets
import db.queries.provenance as provenance
import market.candles
from callbacks.candle_origin import delivery_of
from callbacks.wiring import Wiring
from core.clock import from_ms, utc_now
from core.errors import NotFound
from core.market_name import MarketName, parse_path
from core.timeframe import TIMEFRAMES
from db.tables import Market
from layouts import ids
from layouts.components.candle_note import Known, candle_note, no_candle
from market.candles import Window
from market.quality import WICK

MOST_FILES = 3  # that are named
MOST_CANDLES = 100_000  # that one bar may be made of

wire = Wiring()


@wire(Output(ids.Charts.CANDLE, "children"), Input(ids.Charts.ASKED, "data"), prevent_initial_call=True)
def tell(asked: Any) -> Any:
    """What is known of one bar: {"market": path, "tf": timeframe, "time": ms, "step": length of the bar}."""
    if not isinstance(asked, dict) or asked.get("tf") not in TIMEFRAMES or not isinstance(asked.get("time"), int):
        raise PreventUpdate
    exchange, _, symbol = str(asked.get("market") or "").partition("/")
    frame = TIMEFRAMES[asked["tf"]]
    step = asked["step"] if isinstance(asked.get("step"), int) and asked["step"] >= frame.ms else frame.ms
    with db.engine.session() as session:
        try:
            found = markets.get(session, parse_path(exchange, symbol))
            end = asked["time"] + step - 1
            asked_for = {"start_ms": asked["time"], "end_ms": end, "max_bars": MOST_CANDLES}
            window = market.candles.window(session, found.id, frame.name, **asked_for)
        except NotFound:
            raise PreventUpdate from None
        if not len(window.visible):
            return no_candle(from_ms(asked["time"]))
        return candle_note(known(session, found, window, asked["time"], step), now=utc_now())


def known(session: Session, found: Market, window: Window, start_ms: int, step_ms: int) -> Known:
    """The bar from `start_ms` on with what is stored about the candles it is made of."""
    bars, source = window.visible, window.source
    span = (from_ms(start_ms), from_ms(start_ms + step_ms))
    stored, flags = chart_facts.stored(session, found.id, source, *span)
    changed = chart_facts.revised(session, found.id, source, *span)
    origin = provenance.of_candle(session, found.id, TIMEFRAMES[source], span[0])
    low, high = float(bars.low.min()), float(bars.high.max())
    return Known(
        path=MarketName(found.exchange, found.symbol).path,
        exchange=found.exchange,
        simulated=found.simulated,
        decimals=found.price_decimals,
        opened=span[0],
        bar=(float(bars.open[0]), high, low, float(bars.close[-1]), float(bars.volume.sum())),
        source=source,
        stored=stored,
        expected=step_ms // TIMEFRAMES[source].ms,
        wick=bool(flags & WICK),
        revised=tuple((row.at, row.old_close, row.new_close) for row in changed),
        fetched=origin.fetched,
        delivery=delivery_of(origin),
        files=tuple((row.file_name, row.created_at) for row in origin.files[:MOST_FILES]),
    )
