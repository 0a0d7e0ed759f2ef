"""Numbers of the workers, read from PostgreSQL and Redis when somebody asks: they serve no page of their own."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import db.engine
from core import clock_offsets, job_queue
from core.breaker import Breaker
from core.clock import to_ms, utc_now
from core.jobs import WAITING_STATES, Queue
from core.shared import Numbers, SharedNumbers
from core.throttle import weight
from core.timeframe import TIMEFRAMES
from dashapp.live_metrics import live
from db.queries import gaps, leases, markets, predictions, sources
from db.tables import Job

MOST_SERIES = 300  # of lag; the most late ones, so that a desk of thousands stays readable
LEASE_S = 20.0  # what the scheduler takes its lease for
BREAKERS = {"closed": 0, "half open": 1, "open": 2}


class DeskCollector(Collector):
    """Read anew for every scrape; labels are exchanges, symbols, queues and fixed words, never people."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        with db.engine.session() as session:
            shared = SharedNumbers(_redis())
            yield from _sources(session, shared)
            yield from live(shared, sorted({market.exchange for market in markets.followed(session)}))
            yield _lag(session)
            yield _gaps(session)
            yield from _queues(session)
            yield _last_tick(session)
            yield from _settling(session)


def _redis() -> Redis | None:
    try:
        return job_queue.redis()
    except RuntimeError:  # a program that only reads was never connected to one
        return None


def _sources(session: Session, shared: SharedNumbers) -> Iterator[Metric]:
    """How exchanges answer: state, wait, breaker, errors and refused rows, by all processes together."""
    up = GaugeMetricFamily("bolt_exchange_up", "1 while the exchange answers.", labels=["exchange"])
    wait = GaugeMetricFamily(
        "bolt_exchange_backoff_until_seconds",
        "When an exchange may be asked again, seconds since 1970; 0 for now.",
        labels=["exchange"],
    )
    breaker = GaugeMetricFamily("bolt_exchange_breaker_state", "0 closed, 1 half open, 2 open.", labels=["exchange"])
    errors = CounterMetricFamily(
        "bolt_exchange_errors", "Calls that an exchange did not answer as it should.", labels=["exchange", "kind"]
    )
    rejected = CounterMetricFamily(
        "bolt_candles_rejected", "Rows of exchanges that were no candles.", labels=["exchange", "reason"]
    )
    used = GaugeMetricFamily("bolt_exchange_used_weight", "Tokens used in the running minute.", labels=["exchange"])
    served = GaugeMetricFamily("bolt_markets_served_by_others", "Markets with a stand-in.", labels=["exchange"])
    clock = GaugeMetricFamily(
        "bolt_exchange_clock_offset_seconds",
        "By how much the exchange's clock is ahead of the one here.",
        labels=["exchange"],
    )
    for name, offset in clock_offsets.read(shared).items():
        clock.add_metric([name], offset)
    away = [one.own.exchange for one in sources.stand_ins(session).values()]
    for row in sources.all_of_them(session):
        name = row.exchange
        known = weight(shared, name)
        used.add_metric([name], known.used if known else 0.0)
        served.add_metric([name], away.count(name))
        up.add_metric([name], float(row.state == "ok"))
        wait.add_metric([name], row.wait_until.timestamp() if row.wait_until else 0.0)
        breaker.add_metric([name], BREAKERS[Breaker(shared, name).state()[0]])
        for family, word in ((errors, "errors"), (rejected, "rejected")):
            for kind, n in shared.change(f"{word}:{name}", _look).items():
                family.add_metric([name, kind], n)
    yield from (up, wait, breaker, errors, rejected, used, served, clock)


def _look(numbers: Numbers, _now: float) -> Numbers:
    return dict(numbers)


def _lag(session: Session) -> Metric:
    """Seconds since the newest stored candle of each followed series closed."""
    family = GaugeMetricFamily(
        "bolt_candle_lag_seconds",
        "Since the newest candle of a followed series closed.",
        labels=["exchange", "symbol", "timeframe"],
    )
    now = to_ms(utc_now())
    found = [
        (now - one.last_ms - TIMEFRAMES[one.timeframe].ms, row.exchange, row.symbol, one.timeframe)
        for row in markets.table(session)
        if row.followed
        for one in row.series.values()
    ]
    for late, *labels in sorted(found, reverse=True)[:MOST_SERIES]:
        family.add_metric(list(labels), late / 1_000)
    return family


def _gaps(session: Session) -> Metric:
    family = GaugeMetricFamily("bolt_candle_gaps", "Holes of followed series by state.", labels=["state"])
    counted = list(gaps.counts(session).values())
    family.add_metric(["open"], sum(still for still, _ in counted))
    family.add_metric(["confirmed"], sum(sure for _, sure in counted))
    return family


def _queues(session: Session) -> Iterator[Metric]:
    """How many due jobs wait, and how long the oldest has."""
    depth = GaugeMetricFamily("bolt_queue_jobs", "Jobs that are due and wait.", labels=["queue"])
    age = GaugeMetricFamily("bolt_queue_age_seconds", "How long the oldest of them has waited.", labels=["queue"])
    oldest = func.extract("epoch", func.now() - func.min(Job.run_after))
    query = select(Job.queue, func.count(), oldest).where(Job.state.in_(WAITING_STATES), Job.run_after <= func.now())
    found = {queue: (n, float(waited)) for queue, n, waited in session.execute(query.group_by(Job.queue))}
    for queue in Queue:
        n, waited = found.get(queue.value, (0, 0.0))
        depth.add_metric([queue.value], n)
        age.add_metric([queue.value], waited)
    yield from (depth, age)


def _settling(session: Session) -> Iterator[Metric]:
    """Whether calls are settled within two bars of their horizon."""
    waiting, late = predictions.punctuality(session, utc_now())
    words = "more than two bars after their horizon, of the last day."
    yield GaugeMetricFamily("bolt_calls_overdue", f"Calls that are not settled {words}", waiting)
    yield GaugeMetricFamily("bolt_calls_settled_late", f"Calls that were settled {words}", late)


def _last_tick(session: Session) -> Metric:
    """When the scheduler last renewed its lease; 0 before the first."""
    family = GaugeMetricFamily(
        "bolt_scheduler_last_tick_timestamp_seconds", "When the leading scheduler last renewed its lease."
    )
    lease = leases.current(session, "scheduler")
    family.add_metric([], lease.expires_at.timestamp() - LEASE_S if lease else 0.0)
    return family
