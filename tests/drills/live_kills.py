"""`python -m tests.drills.live_kills`: kill -9 of what streams need, and everything started twice.

Four markets of Binance stream from the replay exchange; one each of Kraken and Coinbase come by REST. The live process,
Redis and PostgreSQL are killed just before a minute closes; prices must flow again within 60 s and no closed candle may
be lost. Then a second live process and a second scheduler run beside the product's: requests, rows, ticks and jobs are
counted, nothing may be doubled, and within 30 s of a kill the standby works.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

import db.engine
from core import ticks
from core.clock import from_ms
from db.queries import leases
from db.tables import Candle, CandleDelivery, CandleRevision, Job
from tests.drills import truth
from tests.drills.stage import BINANCE, Product, Replay, product, replay, require_reference, say

STREAMED, BY_REST = BINANCE[:4], ("kraken:BTC/USDT", "coinbase:BTC/USDT")
FOLLOWED = (*STREAMED, *BY_REST)
CANDLES = ("klines", "OHLC", "candles")  # what paths of requests for candles end with
RECOVERED_S, TAKEN_OVER_S = 60.0, 30.0
MINUTE_S, HOUR_S = 60.0, 3_600.0
STORED_BY_S = 25.0  # into a minute: TOP_UP has brought what the stream did not
BESIDE_MINUTES = 3
SPREAD = 0.25  # ticks of two equal spans differ by so much at most


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened in BESIDE_MINUTES."""

    requests: int  # for candles that have closed
    hour_turned: bool  # meanwhile, so that hourly candles were asked for too
    doubled: int  # of them, those for what was asked for already
    streams: int
    ticks: int
    closed: int  # candles that closed meanwhile, and are stored
    rows: int  # by which the table of candles grew
    told: int  # candles that are written down as brought, by whomever
    revised: int
    slots: int  # of the schedule
    jobs: int  # for them


@dataclass
class Drill:
    bolt: Product
    exchange: Replay
    redis: Redis
    failures: list[str] = field(default_factory=list)

    def check(self, good: bool, sentence: str) -> None:
        say(f"{'ok    ' if good else 'FAILED'} {sentence}")
        if not good:
            self.failures.append(sentence)

    def kill(self, role: str) -> None:
        os.kill(self.bolt.state().roles[role], signal.SIGKILL)

    def kill_before_the_minute(self, role: str) -> None:
        """kill -9 two seconds before a minute closes; then wait for prices, and for that minute."""
        time.sleep((58.0 - time.time()) % MINUTE_S)
        before, began = self.newest_tick(), time.time()
        self.kill(role)
        flows = self.until(lambda: self.newest_tick() > before, RECOVERED_S * 2)
        answers = self.until(self.answers, RECOVERED_S)
        took = max(flows, answers)
        self.check(took <= RECOVERED_S, f"kill -9 of {role}: prices flow and data answer after {took:.1f} s")
        closed = (int(began // MINUTE_S)) * 60_000
        stored = self.until(lambda: all(self.newest_minute(m) >= closed for m in FOLLOWED), RECOVERED_S + STORED_BY_S)
        self.check(stored < RECOVERED_S, f"  the minute that closed meanwhile is stored {time.time() - began:.1f} s on")

    def newest_tick(self) -> tuple[int, int]:
        """The newest id in the backlog; (0, 0) while Redis is away, so that a time before is never taken for after."""
        try:
            found = self.redis.xrevrange(ticks.BACKLOG, count=1)
        except RedisError:
            return (0, 0)
        return ticks.position(found[0][0].decode()) if found else (0, 0)

    def answers(self) -> bool:
        try:
            with db.engine.session() as session:
                return session.scalar(select(1)) == 1
        except SQLAlchemyError:
            return False

    def newest_minute(self, market: str) -> int:
        try:
            return truth.newest_ms(market, "1m")
        except SQLAlchemyError:
            return 0

    def until(self, true: Callable[[], bool], seconds: float) -> float:
        """Seconds until it is so; infinity where it does not become so in time."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if true():
                return time.monotonic() - began
            time.sleep(0.25)
        return float("inf")

    def holder(self, lease: str) -> str:
        with db.engine.session() as session:
            found = leases.current(session, lease)
            return found.holder if found else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.live_kills", description=__doc__)
    parser.add_argument("--port", type=int, default=8126, help="of the exchange; Bolt takes the next one")
    asked = parser.parse_args()
    require_reference()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # what was started is ended
    with replay(asked.port) as exchange, product(asked.port + 1, exchange) as bolt:
        db.engine.connect(bolt.state().database_url)
        say(bolt.run("follow", *FOLLOWED, "--timeframes", "1m,1h").strip())
        redis = Redis.from_url(bolt.state().redis_url, socket_timeout=2, socket_connect_timeout=2)
        drill = Drill(bolt, exchange, redis)
        filled = drill.until(lambda: all(truth.stored_rows(m, "1m") >= 5_000 for m in STREAMED), 300)
        drill.check(filled < 300, f"5,000 minutes of {len(STREAMED)} markets after {filled:.0f} s")
        drill.until(lambda: drill.newest_tick() > (0, 0), 60)
        for role in ("live-binance", "redis", "postgres"):
            drill.kill_before_the_minute(role)
        _twice(drill)
        _nothing_lost(drill)
        say("failed: " + "; ".join(drill.failures) if drill.failures else "passed")
        return 1 if drill.failures else 0


def _twice(drill: Drill) -> None:
    """The same minutes with one and with two of each; then the leaders are killed."""
    _to_minute(30.0)
    alone = _counted(drill)
    second = [drill.bolt.beside("live", "--exchange", "binance"), drill.bolt.beside("scheduler")]
    try:
        time.sleep(20)
        _to_minute(30.0)
        beside = _counted(drill)
        for told, found in (("alone", alone), ("with a second of each", beside)):
            say(f"in {BESIDE_MINUTES} minutes, {told}: {found}")
        due = BESIDE_MINUTES * len(FOLLOWED)
        hourly = len(FOLLOWED) if alone.hour_turned or beside.hour_turned else 0
        asked = f"requests: alone {alone.requests}, with a second {beside.requests}"
        drill.check(abs(beside.requests - alone.requests) <= hourly, asked)
        drill.check(beside.doubled == 0, f"requests that came twice: {beside.doubled}")
        drill.check(beside.streams == 0, f"streams opened by the second: {beside.streams}")
        same = abs(beside.ticks - alone.ticks) <= SPREAD * alone.ticks
        drill.check(same, f"ticks in {BESIDE_MINUTES} minutes: alone {alone.ticks}, with a second {beside.ticks}")
        drill.check(beside.closed == due, f"minutes that closed and are stored: {beside.closed} of {due}")
        once = beside.told == beside.rows and beside.revised == 0
        drill.check(once, f"rows: {beside.rows} new, {beside.told} brought, {beside.revised} revised")
        drill.check(beside.jobs == beside.slots, f"slots of the schedule: {beside.slots}, jobs for them: {beside.jobs}")
        for role, lease in (("live-binance", "live:binance"), ("scheduler", "scheduler")):
            _taken_over(drill, role, lease)
    finally:
        for process in second:
            process.terminate()
            process.wait(20)


def _taken_over(drill: Drill, role: str, lease: str) -> None:
    """Kill the holder, whoever it is, and wait for another one that works."""
    before, holder = drill.newest_tick(), drill.holder(lease)
    os.kill(int(holder.split("-")[-2]), signal.SIGKILL)
    taken = drill.until(lambda: drill.holder(lease) not in ("", holder), TAKEN_OVER_S * 2)
    works = drill.until(lambda: drill.newest_tick() > before, TAKEN_OVER_S * 2) if role != "scheduler" else 0.0
    drill.check(taken + works <= TAKEN_OVER_S, f"{role}: another took over after {taken:.1f} s, {works:.1f} s to work")


def _to_minute(second: float) -> None:
    time.sleep((second - time.time()) % MINUTE_S)


def _counted(drill: Drill) -> Counted:
    """What happens from now on. It begins in the middle of a minute: the last one that closes is stored by the end."""
    began = time.time()
    ticks_before, rows_before = _ticks(drill), _rows()
    time.sleep(BESIDE_MINUTES * MINUTE_S)
    log = [entry for entry in drill.exchange.log() if began <= entry["t"]]
    streams = sum(entry["method"] == "WS" for entry in log)
    asked = [(entry["path"], *sorted(entry["query"].items())) for entry in log if entry["path"].endswith(CANDLES)]
    first = from_ms(int(began // MINUTE_S * MINUTE_S) * 1_000)
    rows, told, revised = (after - before for after, before in zip(_rows(), rows_before, strict=True))
    with db.engine.session() as session:
        minutes = select(func.count()).select_from(Candle).where(Candle.timeframe == "1m", Candle.open_time >= first)
        slot = Job.created_at >= from_ms(int(began * 1_000)), Job.dedupe.contains("@")
        jobs, slots = session.execute(select(func.count(), func.count(Job.dedupe.distinct())).where(*slot)).one()
        closed = session.scalar(minutes) or 0
    return Counted(
        requests=len(asked),
        hour_turned=int(began // HOUR_S) != int(time.time() // HOUR_S),
        doubled=len(asked) - len(set(asked)),
        streams=streams,
        ticks=_ticks(drill) - ticks_before,
        closed=closed,
        rows=rows,
        told=told,
        revised=revised,
        slots=slots,
        jobs=jobs,
    )


def _rows() -> tuple[int, int, int]:
    """Candles that are stored, that are written down as brought, and that were told differently later."""
    counts = (select(func.count()).select_from(Candle), select(func.sum(CandleDelivery.candles)))
    with db.engine.session() as session:
        stored, brought = (session.scalar(count) or 0 for count in counts)
        return stored, brought, session.scalar(select(func.count()).select_from(CandleRevision)) or 0


def _ticks(drill: Drill) -> int:
    found = drill.redis.xinfo_stream(ticks.BACKLOG)
    return int(found["entries-added"])


def _nothing_lost(drill: Drill) -> None:
    _to_minute(STORED_BY_S)
    for market in FOLLOWED:
        for timeframe in ("1m", "1h"):
            found = truth.compare(drill.exchange, market, timeframe)
            drill.check(found.good and not found.listed and not found.behind, found.line())


if __name__ == "__main__":
    sys.exit(main())
