"""The price chart: Lightweight Charts by dash-tvlwc, and the frame it draws.

A frame is one plain dict with packed columns (see `packing`). `assets/60-charts.js` turns it into series, in the
colours of the page, so that neither a change of theme nor a moving crosshair asks the server for anything.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from dash_tvlwc import Tvlwc

from core.ohlcv import Candles, Floats
from layouts.components import packing
from layouts.components.numbers import price, price_decimals
from market.indicators.catalog import Chosen

PRICE, VOLUME, FIRST_OWN = 0, 1, 2  # panes from the top
COLOURS = 8  # the tokens --overlay-1 … --overlay-8
UNDASHED = 4  # from the fifth on lines are also dashed
FINER = 2  # decimals beyond the price's at most: a mean of prices in coarse ticks would climb in steps
HA_DIGITS = 9  # significant ones of a Heikin-Ashi bar


@dataclass(frozen=True, slots=True)
class Drawn:
    """An indicator that was computed: a column for each output, as long as the candles.

    `place` among all that were chosen gives the colour; `ahead` are values for the bars after the newest one.
    """

    chosen: Chosen
    columns: dict[str, Floats]
    place: int = 0
    ahead: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Against:
    """A second market to compare with: its closes at the times of the candles, NaN where it has none."""

    path: str
    symbol: str
    exchange: str
    simulated: bool
    decimals: int | None
    closes: Floats

    def packed(self) -> dict[str, Any]:
        """As the browser reads it."""
        known = self.closes[np.isfinite(self.closes)]
        decimals = self.decimals if self.decimals is not None else price_decimals(float(known[-1])) if len(known) else 2
        about = {"path": self.path, "symbol": self.symbol, "exchange": self.exchange, "simulated": self.simulated}
        return {**about, "decimals": decimals, "values": packing.pack(self.closes)}


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose candles these are and how the chart names them."""

    path: str  # binance/BTC-USDT
    symbol: str
    base: str
    timeframe: str
    timeframe_ms: int
    offset_ms: int
    simulated: bool
    decimals: int | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Bars of `step_ms`. `first_ms` and `last_ms` are the ends of the whole series, whether loaded or not."""

    candles: Candles
    step_ms: int
    first_ms: int
    last_ms: int


def price_chart(chart_id: str) -> Tvlwc:
    """An empty chart; the browser draws the first frame into it."""
    return Tvlwc(
        id=chart_id,
        series=[],
        chartOptions={"layout": {"background": {"type": "solid", "color": "transparent"}}},
        paneOptions=[],
        width="100%",
        height="100%",
        subscribeClick=True,
        subscribeDblClick=True,
    )


def frame(shown: Shown, loaded: Loaded, drawn: list[Drawn], **more: Any) -> dict[str, Any]:
    """All the browser needs to draw; `more` joins it as it is. About 25 kB compressed for 1,000 bars and 6 overlays."""
    bars = loaded.candles
    exact = packing.decimals_of(_prices(bars))
    decimals = shown.decimals if shown.decimals is not None else _magnitude(bars)
    return {
        "key": f"{shown.path}@{shown.timeframe}",
        "market": shown.path,
        "symbol": shown.symbol,
        "base": shown.base,
        "tf": shown.timeframe,
        "tf_ms": shown.timeframe_ms,
        "offset_ms": shown.offset_ms,
        "simulated": shown.simulated,
        "decimals": min(decimals, 12),
        "first_ms": loaded.first_ms,
        "complete": not len(bars) or int(bars.time[-1]) >= loaded.last_ms,
        "time": packing.pack_times(bars.time, loaded.step_ms),
        "prices": packing.pack_prices(bars, exact),
        "volume": packing.pack(bars.volume),
        "lines": lines(drawn, decimals),
        **more,
    }


def lines(drawn: list[Drawn], decimals: int) -> list[dict[str, Any]]:
    """The lines of indicators: those on prices in the price pane, each other indicator in a pane of its own."""
    made: list[dict[str, Any]] = []
    pane = FIRST_OWN
    for one in drawn:
        place = one.place
        own = one.chosen.indicator.pane == "own"
        outputs = one.chosen.indicator.outputs
        for n, output in enumerate(outputs):
            colour = place + n if own else place
            values = one.columns[output.key]
            made.append(
                {
                    "id": f"{one.chosen.key}/{output.key}",
                    "of": one.chosen.key,
                    "label": one.chosen.title,
                    "column": f"{one.chosen.title}, {output.title}" if len(outputs) > 1 else one.chosen.title,
                    "name": output.title,
                    "kind": output.kind,
                    "pane": pane if own else PRICE,
                    "colour": colour % COLOURS + 1,
                    "dash": output.dashed or (not own and place >= UNDASHED),
                    "repaints": one.chosen.indicator.repaints,
                    "lead": n == 0,
                    "levels": list(one.chosen.indicator.levels),
                    "values": packing.pack(values, None if own else finer(values, decimals)),
                    "ahead": _ahead(one, output.key, decimals),
                }
            )
        pane += own
    return made


def finer(values: Floats, decimals: int) -> int:
    """Decimals of a line on prices: up to `FINER` more than theirs, where their ticks are coarse beside the price."""
    return min(decimals + FINER, max(decimals, packing.places(values)))


def _ahead(one: Drawn, key: str, decimals: int) -> packing.Packed | None:
    return packing.pack(one.ahead[key], finer(one.ahead[key], decimals)) if key in one.ahead else None


def bars_of_averages(averaged: Candles) -> packing.Packed:
    """Heikin-Ashi bars, which need more decimals than the prices they are the means of."""
    return packing.pack_prices(averaged, packing.places(_prices(averaged), HA_DIGITS))


def summary(shown: Shown, loaded: Loaded, drawn: list[Drawn], against: Against | None = None) -> str:
    """The chart in words, for those who do not see it."""
    bars = loaded.candles
    names = ", ".join(one.chosen.title for one in drawn) or "no indicators"
    beside = f", compared with {against.symbol} of {against.exchange}" if against else ""
    if not len(bars):
        return f"Price chart of {shown.symbol}, {shown.timeframe}: no candles in this span."
    kind = "Simulated price" if shown.simulated else "Price"
    low, high, last = float(bars.low.min()), float(bars.high.max()), float(bars.close[-1])
    return (
        f"{kind} chart of {shown.symbol}, {shown.timeframe}: {len(bars)} candles between {price(low)} and "
        f"{price(high)}, the newest closing at {price(last)}, with {names}{beside}. The Table button shows the numbers."
    )


def _prices(bars: Candles) -> Floats:
    return np.concatenate((bars.open, bars.high, bars.low, bars.close))


def _magnitude(bars: Candles) -> int:
    return price_decimals(float(bars.close[-1])) if len(bars) else 2
