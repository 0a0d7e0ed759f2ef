"""No list and no window is read by going through a whole large table: PostgreSQL's own plan says how it would read.

The tables hold few rows here, for which it would rightly read all of them; with sequential scans priced out of the
question a plan has one only where no index serves the query at all.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

import db.queries.candles as stored
import db.queries.coarse_candles as coarse
import market.candles
from core import market_name
from core.timeframe import TIMEFRAMES
from db.queries import audit, gaps, jobs, markets, predictions, revisions
from tests.candles import START_MS, walk

# Tables that grow with candles, calls, people's deeds or jobs. Others hold a row per market, model or person.
LARGE = ("candles", "candles_1m", "coarse_candles", "candle_revisions", "predictions", "prediction_outcomes",
         "audit_events", "jobs")  # fmt: skip
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = TIMEFRAMES["1h"].ms

Read = Callable[[Session, int], object]


@pytest.fixture
def seeded(session: Session) -> int:
    """A market of some size; the id."""
    market_id = markets.get_or_create(session, market_name.parse("binance:BTC/USDT")).id
    stored.upsert(session, market_id, "1m", walk(3_000, "1m"))
    session.execute(text("ANALYZE candles, coarse_candles"))
    return market_id


@pytest.fixture
def asked(session: Session) -> Iterator[list[str]]:
    """Every SELECT that goes to PostgreSQL, as it is sent; COPY's too."""
    seen: list[str] = []

    def note(connection: Connection, cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(cursor.mogrify(statement, parameters).decode())  # type: ignore[attr-defined]

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


# The tables here are small, and what the planner knows of them depends on the tests before: it is asked in several
# ways, as if its habits with small tables were dear. A query without a fitting index goes through the table in all.
DEAR = (("seqscan",), ("seqscan", "mergejoin", "hashjoin"),
        ("seqscan", "mergejoin", "hashjoin", "indexscan", "indexonlyscan"))  # fmt: skip


def plan_of(session: Session, query: str, dear: tuple[str, ...] = DEAR[0]) -> str:
    raw = session.connection().connection.cursor()
    for way in DEAR[-1]:
        raw.execute(f"SET LOCAL enable_{way} = {'off' if way in dear else 'on'}")
    raw.execute("EXPLAIN (COSTS off) " + query)
    return "\n".join(line for (line,) in raw.fetchall())


def scanned(plan: str) -> list[str]:
    """Large tables that a plan goes through from end to end: row by row, or by an index only to sort what it found."""
    nodes = re.split(r"\n(?=\s*->)", plan)
    whole = [name for name in re.findall(r"Seq Scan on (\w+)", plan) if name in LARGE]
    for node in nodes:
        by_index = re.search(r"(?:Index|Index Only) Scan.* on (\w+)", node)
        if by_index and by_index[1] in LARGE and "Index Cond" not in node and "Sort" in plan:
            whole.append(by_index[1])
    return whole


def test_a_plan_that_reads_everything_is_found(session: Session, seeded: int) -> None:
    by_volume = "SELECT * FROM candles_1m WHERE volume > 5 ORDER BY volume LIMIT 3"
    assert scanned(plan_of(session, by_volume)) == ["candles_1m"]
    assert scanned(plan_of(session, "SELECT * FROM audit_events ORDER BY id DESC LIMIT 3")) == []
    assert scanned("Seq Scan on audit_events") == ["audit_events"]


WINDOWS: list[tuple[str, Read]] = [
    ("newest", lambda s, m: market.candles.latest(s, m, "1m", 500)),
    ("coarser", lambda s, m: market.candles.latest(s, m, "1h", 50)),
    ("window", lambda s, m: market.candles.window(s, m, "1m", start_ms=START_MS, end_ms=START_MS + HOUR, lead=20)),
    ("zoomed out", lambda s, m: market.candles.window(s, m, "1m", max_bars=40, lead=20)),
    ("before", lambda s, m: market.candles.before(s, m, "5m", START_MS + 9 * HOUR, 30)),
    ("series", lambda s, m: market.candles.series(s, m, "1h", now_ms=START_MS + 30 * HOUR)),
]


@pytest.mark.parametrize("read", [read for _, read in WINDOWS], ids=[name for name, _ in WINDOWS])
def test_windows_go_by_the_key(session: Session, seeded: int, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    def copy_out(opened: Session, query: str, values: list[object], kinds: object) -> object:
        copied.append(opened.connection().connection.cursor().mogrify(query, values).decode())
        return plain(opened, query, values, kinds)  # type: ignore[arg-type]

    plain = stored.copy_out
    monkeypatch.setattr(stored, "copy_out", copy_out)
    monkeypatch.setattr(coarse, "copy_out", copy_out)
    read(session, seeded)
    assert copied
    for query in copied:
        plan = plan_of(session, query)
        assert not scanned(plan), plan
        assert "Index" in plan
        assert "candles_1h" not in plan  # one partition is enough


LISTS: list[tuple[str, Read]] = [
    ("audit", lambda s, _m: audit.page(s, audit.Wanted(), limit=50)),
    ("calls of a market", lambda s, m: predictions.history(s, m, "1m", before=(NOW, 5))),
    ("newest calls of a market", lambda s, m: predictions.latest(s, market_id=m)),
    ("settled calls", lambda s, _m: predictions.settled_since(s, NOW)),
    ("calls that are due", lambda s, _m: predictions.due(s, NOW, since=NOW)),
    ("jobs", lambda s, _m: jobs.latest(s, name="top_up", limit=5)),
    ("gaps", lambda s, _m: gaps.latest(s)),
    ("revisions", lambda s, _m: revisions.latest(s)),
    ("revisions of a market", lambda s, m: revisions.latest(s, market_id=m, timeframe="1m")),
    ("revisions since", lambda s, _m: revisions.count(s, since=NOW)),
    ("markets", lambda s, _m: markets.table(s)),
    ("found markets", lambda s, _m: markets.search(s, "btc")),
]


@pytest.mark.parametrize("read", [read for _, read in LISTS], ids=[name for name, _ in LISTS])
def test_lists_go_by_an_index(session: Session, seeded: int, asked: list[str], read: Read) -> None:
    read(session, seeded)
    queries = list(asked)
    assert queries
    for query in queries:
        plans = [plan_of(session, query, dear) for dear in DEAR]
        assert any(not scanned(plan) for plan in plans), f"{query}\n{plans[0]}"
