"""P3: the answer a price chart is drawn from, 1,000 bars with volume and 6 overlays, built and serialised.

The peer builds the same chart as a Plotly figure from lists, as a Dash callback does; both go through Dash's own
serialiser, and through brotli as the server compresses them.
"""

import brotli
import plotly.graph_objects as go
from plotly.io.json import to_json_plotly

from core.ohlcv import Candles
from layouts.components import price_chart
from layouts.components.price_chart import Drawn, Loaded, Shown
from market.indicators.catalog import parse
from market.indicators.compute import compute_all
from tests.bench.table import Row
from tests.bench.timing import median_ms
from tests.candle_data import walk

BARS = 1_000
HOUR = 3_600_000
OVERLAYS = ("ema:10", "ema:20", "ema:30", "ema:50", "ema:100", "sma:50")
SHOWN = Shown("binance/BTC-USDT", "BTC/USDT", "BTC", "1h", HOUR, 0, simulated=False, decimals=2)


def run() -> list[Row]:
    candles = walk(BARS)  # prices with two decimals, as exchanges quote them
    chosen = [parse(word) for word in OVERLAYS]
    computed = compute_all(candles, chosen)
    drawn = [Drawn(one, computed[one.key]) for one in chosen]

    def packed() -> str:
        loaded = Loaded(candles, HOUR, int(candles.time[0]), int(candles.time[-1]))
        return str(to_json_plotly(price_chart.frame(SHOWN, loaded, drawn)))

    def figure() -> str:
        return str(to_json_plotly(as_figure(candles, drawn)))

    what = "chart of 1,000 bars, volume, 6 overlays"
    size_peer, size = (len(brotli.compress(text.encode(), quality=1)) / 1_000 for text in (figure(), packed()))
    return [
        Row("P3", f"{what}: build", "go.Figure", median_ms(figure, 21), median_ms(packed, 41), "ms", 10),
        Row("P3", f"{what}: brotli", "go.Figure", size_peer, size, "kB", 3),
    ]


def as_figure(candles: Candles, drawn: list[Drawn]) -> go.Figure:
    """The same chart for plotly.js."""
    time = candles.time.astype("datetime64[ms]").astype(str).tolist()
    o, h, low, c = (column.tolist() for column in (candles.open, candles.high, candles.low, candles.close))
    lines = [go.Scatter(x=time, y=one.columns[key].tolist(), mode="lines") for one in drawn for key in one.columns]
    bars = go.Bar(x=time, y=candles.volume.tolist(), yaxis="y2")
    return go.Figure([go.Candlestick(x=time, open=o, high=h, low=low, close=c), bars, *lines])
