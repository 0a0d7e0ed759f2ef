"""`python -m tests.drills.follow_twenty`: twenty markets are followed at once; when are 5,000 candles of each there?

The unmodified product, just started, follows them by its own command, in all of the usual timeframes. A series has come
once its newest 5,000 closed candles are stored without a hole; a market, once each of its series has. Three minutes is
the most it may take. The replay has candles of six coins; the other markets have the same ones under their own names.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import db.engine
from core.clock import to_ms, utc_now
from core.timeframe import TIMEFRAMES
from db.queries import markets
from db.queries.markets import MarketRow
from tests.drills import faults
from tests.drills.stage import FILES, SYMBOLS, Product, product, replay, require_reference, say

COINS = (
    *SYMBOLS,
    "BNB",
    "SOL",
    "DOGE",
    "TRX",
    "DOT",
    "AVAX",
    "UNI",
    "ATOM",
    "ETC",
    "XLM",
    "NEAR",
    "ALGO",
    "FIL",
    "AAVE",
)
TIMEFRAMES_ASKED = ("1m", "5m", "1h")
CANDLES = 5_000
MOST_S = 180.0
GIVEN_UP_S = 900.0  # so that a failure says by how much


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.follow_twenty", description=__doc__)
    parser.add_argument(
        "--coinbase", type=int, default=0, metavar="N", help="of the twenty are Coinbase's, else all are Binance's"
    )
    parser.add_argument("--port", type=int, default=8130, help="of the exchange; Bolt takes the next one")
    asked = parser.parse_args()
    require_reference()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # what was started is ended
    with _twenty() as files, replay(asked.port, files=files) as exchange, product(asked.port + 1, exchange) as bolt:
        db.engine.connect(bolt.state().database_url)
        wanted = [f"{'coinbase' if k < asked.coinbase else 'binance'}:{coin}/USDT" for k, coin in enumerate(COINS)]
        exchange.order("/__control/reset")  # what was asked for before does not count
        began = time.monotonic()
        bolt.run("follow", *wanted, "--timeframes", ",".join(TIMEFRAMES_ASKED))
        say(f"{len(wanted)} markets followed; the command took {time.monotonic() - began:.1f} s")
        came = _come(bolt, wanted, began)
        judged = faults.asked(exchange.log())
        say(f"requests: {', '.join(f'{name} {n}' for name, n in judged.requests.items())}; waits: {judged.waits}")
        return _judge(came, wanted)


@contextmanager
def _twenty() -> Iterator[list[Path]]:
    """A folder where the six files lie under twenty names; the replay calls a market as its file is called."""
    with tempfile.TemporaryDirectory(prefix="bolt-twenty-") as folder:
        links = []
        for k, coin in enumerate(COINS):
            link = Path(folder) / f"binance_{coin}_USDT-1h_2024.csv.gz"
            link.symlink_to(FILES[k % len(FILES)])
            links.append(link)
        yield links


def _come(bolt: Product, wanted: list[str], began: float) -> dict[str, float]:
    """{market: seconds from `began` until all of its series had come}, as far as they come."""
    came: dict[str, float] = {}
    while len(came) < len(wanted) and time.monotonic() - began < GIVEN_UP_S:
        if bolt.process.poll() is not None:
            raise SystemExit("Bolt ended during the drill.")
        with db.engine.session() as session:
            table = markets.table(session)
        for row in table:
            if str(row.name) in wanted and str(row.name) not in came and _has_come(row):
                came[str(row.name)] = time.monotonic() - began
                say(f"{row.name}: {CANDLES:,} each of {', '.join(row.series)} after {came[str(row.name)]:.0f} s")
        time.sleep(1)
    return came


def _has_come(row: MarketRow) -> bool:
    now_ms = to_ms(utc_now())
    for name in TIMEFRAMES_ASKED:
        series, step = row.series.get(name), TIMEFRAMES[name].ms
        if series is None or series.rows < CANDLES or series.gaps or series.last_ms < now_ms - 3 * step:
            return False
    return True


def _judge(came: dict[str, float], wanted: list[str]) -> int:
    missing = [name for name in wanted if name not in came]
    last = max(came.values(), default=0.0)
    say(f"{len(came)} of {len(wanted)} markets after {last:.0f} s; {MOST_S:g} s are allowed")
    if missing:
        say(f"not there after {GIVEN_UP_S:g} s: {', '.join(missing)}")
    good = not missing and last <= MOST_S
    say("passed" if good else "failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
