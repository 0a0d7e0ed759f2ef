"""Numbers of live prices for Prometheus: what exchanges stream, and what browsers get. All processes together."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from core import tallies
from core.shared import Numbers, SharedNumbers
from dashapp.live_hub import LAGS


def live(shared: SharedNumbers, exchanges: Iterable[str]) -> Iterator[Metric]:
    """Streams of these exchanges, then those to browsers."""
    yield from _of_exchanges({name: tallies.read(shared, tallies.STREAM + name) for name in exchanges})
    yield from _to_browsers(tallies.read(shared, tallies.HUB), tallies.open_streams(shared))


def _of_exchanges(seen: dict[str, Numbers]) -> Iterator[Metric]:
    opened = CounterMetricFamily(
        "bolt_stream_connections", "Connections to the streams of an exchange.", labels=["exchange"]
    )
    ended = CounterMetricFamily(
        "bolt_stream_ends", "Of them, those that fell silent, or ended by a fault.", labels=["exchange", "reason"]
    )
    published = CounterMetricFamily(
        "bolt_stream_ticks",
        "Prices published; source is stream, or candles in its stead.",
        labels=["exchange", "source"],
    )
    heard = GaugeMetricFamily(
        "bolt_stream_last_message_timestamp_seconds",
        "When the streams of an exchange last said something; 0 for never.",
        labels=["exchange"],
    )
    for name, numbers in seen.items():
        silent = numbers.get("silent", 0.0)
        opened.add_metric([name], numbers.get("opened", 0.0))
        ended.add_metric([name, "silent"], silent)
        ended.add_metric([name, "fault"], numbers.get("ended", 0.0) - silent)
        published.add_metric([name, "stream"], numbers.get("ticks", 0.0))
        published.add_metric([name, "candles"], numbers.get("stood_in", 0.0))
        heard.add_metric([name], numbers.get(tallies.HEARD, 0.0))
    yield from (opened, ended, published, heard)


def _to_browsers(numbers: Numbers, open_now: int) -> Iterator[Metric]:
    streams = GaugeMetricFamily("bolt_live_streams", "Streams open to browsers.")
    streams.add_metric([], open_now)
    told = CounterMetricFamily("bolt_live_ticks", "Ticks handed to browsers.")
    told.add_metric([], numbers.get("ticks", 0.0))
    dropped = CounterMetricFamily("bolt_live_dropped", "Streams ended because the browser did not keep up.")
    dropped.add_metric([], numbers.get("dropped", 0.0))
    lag = HistogramMetricFamily("bolt_live_lag_seconds", "From a tick's publication to its way to a browser.")
    below, buckets = 0.0, list[tuple[str, float]]()
    for edge in LAGS:
        below += numbers.get(f"lag_{edge}", 0.0)
        buckets.append((str(edge), below))
    buckets.append(("+Inf", numbers.get("lag_count", 0.0)))
    lag.add_metric([], buckets=buckets, sum_value=numbers.get("lag_ms", 0.0) / 1_000)
    yield from (streams, told, dropped, lag)
