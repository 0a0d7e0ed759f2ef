"""Proving the ledger: that no call, no outcome and no forecast beside a call was changed, dropped or written late.

Triggers write `seq`, `prev_hash` and `hash` of every row of `predictions`, `prediction_outcomes` and
`prediction_baselines`, one writer at a time. `hash` is SHA-256, hexadecimal, over UTF-8 lines: the hash of the row
before (64 zeros before the first), then the columns in the order below; of what a baseline said the hash of its call
comes last. Whole numbers are decimal, moments are microseconds since 1970 UTC, floating-point numbers the 16
hexadecimal digits of their big-endian IEEE 754 form, booleans `true` or `false`, nothing is `-`. Calls of form 1 were
written before the columns in `ADDED` existed and leave them out. Here the same is computed in Python, so that
functions somebody changed in the database prove nothing.

A call that was written late is a breach: it may have known what it foretold. An outcome that was written late is a
notice: it follows from candles anybody can compute it from, and a stopped machine or a hole in the candles delays it.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from core.errors import Refused
from core.timeframe import parse
from db.queries import prediction_baselines
from db.tables import LedgerHead, Prediction, PredictionBaseline, PredictionOutcome

GENESIS = "0" * 64
SHOWN = 100  # breaches of a chain that are listed
LATE_BARS = 2  # bars after its horizon by which a call has to be settled
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PREDICTION = (
    *("seq", "id", "model_id", "market_id", "timeframe", "horizon", "open_time", "closed_at", "outcome_from", "due_at"),
    *("made_at", "close", "sigma", "upper_factor", "lower_factor", "p_bearish", "p_neutral", "p_bullish", "call"),
    *("confidence", "simulated"),
)
ADDED = ("form", "conformal_set", "novelty", "abstained", "abstain_reason")  # of form 2, which covers them as well
OUTCOME = (
    *("seq", "prediction_id", "outcome", "entry", "log_return", "ambiguous", "t1", "log_loss", "brier", "settled_at"),
)
BASELINE = ("seq", "prediction_id", "name", "p_bearish", "p_neutral", "p_bullish", "made_at", "call_hash")


@dataclass(frozen=True, slots=True)
class Breach:
    """`kind`: changed, missing, inserted, late, not_noted or withheld; of a notice slow, waiting or never_settled.

    `id` is the call's number, None where it is gone. `seq` is the place in the chain of `table`.
    """

    table: str
    kind: str
    seq: int | None
    id: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A walk over a whole chain. `head`, noted elsewhere, proves that the same rows stood then.

    `slow` rows were written later than they should have been, without harm to what they say; `notices` names the first.
    """

    rows: int
    head: str
    breaches: list[Breach]
    slow: int = 0
    notices: list[Breach] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ledger:
    calls: Chain
    outcomes: Chain
    baselines: Chain

    @property
    def breaches(self) -> list[Breach]:
        return self.calls.breaches + self.outcomes.breaches + self.baselines.breaches


@dataclass(frozen=True, slots=True)
class Open:
    """A call whose outcome is overdue; `seq` is its row among the calls."""

    id: int
    seq: int
    due_at: datetime


def digest(previous: str, values: list[Any]) -> str:
    """The hash of a row from the hash before it and its columns in order."""
    return hashlib.sha256("\n".join([previous, *map(_word, values)]).encode()).hexdigest()


def hashed_of_call(row: Any) -> tuple[str, ...]:
    """The columns the hash of a call covers, by its form; a form nobody knows is taken for the newest."""
    return PREDICTION if row.form == 1 else (*PREDICTION, *ADDED)


def verify(session: Session) -> Ledger:
    """Compute every hash again and compare times; a thousand rows in memory at once.

    A call is late when it was stamped before its candle closed, once its outcome had begun, before an older row, or
    when its times do not follow from its candle, timeframe and horizon. A row that was cut off the end is missed
    because the newest place is noted beside the chain. A version that keeps baselines has them beside every call.
    """
    beside = _walk(session, _baselines())
    silent = [
        Breach("prediction_baselines", "missing", None, row.id,
               f"{row.name} beside call {row.id} (row {row.seq} of predictions) is missing")
        for row in prediction_baselines.missing(session, limit=SHOWN)
    ]  # fmt: skip
    beside = replace(beside, breaches=beside.breaches + silent)
    return Ledger(_walk(session, _calls()), _walk(session, _outcomes()), beside)


def unsettled(session: Session, *, now: datetime) -> list[Open]:
    """Calls without an outcome although their horizon was over two bars ago, oldest first."""
    step = Prediction.outcome_from - Prediction.closed_at
    query = (
        select(Prediction.id, Prediction.seq, Prediction.due_at)
        .outerjoin(PredictionOutcome, PredictionOutcome.prediction_id == Prediction.id)
        .where(PredictionOutcome.prediction_id.is_(None), Prediction.due_at <= now)
        .where(Prediction.due_at + LATE_BARS * step < now)
        .order_by(Prediction.due_at, Prediction.id)
    )
    return [Open(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a chain is made of: its table, what its hash covers, and what may be wrong with the time of a row.

    `told` names a row by its call, whose number stands in the column `number`; `late` is a breach, `slow` a notice.
    """

    row: Any
    number: str
    columns: list[Any]
    hashed: Callable[[Any], tuple[str, ...]]
    stamp: str
    told: Callable[[Any], str]
    late: Callable[[Any], str]
    slow: Callable[[Any], str] = lambda _: ""

    @property
    def table(self) -> str:
        return str(self.row.__tablename__)

    def rows(self, session: Session) -> Iterator[Any]:
        """In their order, a row beside its call where it is none itself."""
        query = select(*self.columns, self.row.prev_hash, self.row.hash)
        if self.row is not Prediction:
            query = query.outerjoin(Prediction, Prediction.id == self.row.prediction_id)
        yield from session.execute(query.order_by(self.row.seq).execution_options(yield_per=1_000))


def _calls() -> _Kind:
    columns: list[Any] = [getattr(Prediction, name) for name in (*PREDICTION, *ADDED)]
    return _Kind(Prediction, "id", columns, hashed_of_call, "made_at", lambda row: f"call {row.id}", _late_call)


def _outcomes() -> _Kind:
    columns: list[Any] = [getattr(PredictionOutcome, name) for name in OUTCOME]
    about: list[Any] = [Prediction.id.label("call"), Prediction.outcome_from, Prediction.closed_at, Prediction.due_at]
    return _Kind(
        PredictionOutcome, "prediction_id", [*columns, *about], lambda _: OUTCOME, "settled_at",
        lambda row: f"outcome of call {row.prediction_id}", _late_outcome, _slow,
    )  # fmt: skip


def _baselines() -> _Kind:
    columns: list[Any] = [getattr(PredictionBaseline, name) for name in BASELINE[:-1]]
    about: list[Any] = [Prediction.hash.label("call_hash"), Prediction.outcome_from]
    return _Kind(
        PredictionBaseline, "prediction_id", [*columns, *about], lambda _: BASELINE, "made_at",
        lambda row: f"{row.name} beside call {row.prediction_id}", _late_baseline,
    )  # fmt: skip


def _walk(session: Session, kind: _Kind) -> Chain:
    table, previous, place, stamped, rows = kind.table, GENESIS, 0, EPOCH, 0
    breaches: list[Breach] = []
    slow, notices = 0, list[Breach]()

    def note(what: str, seq: int | None, number: int | None, told: str) -> None:
        breaches.append(Breach(table, what, seq, number, told))

    for row in kind.rows(session):
        rows += 1
        number, stamp = getattr(row, kind.number), getattr(row, kind.stamp)
        told = f"{kind.told(row)} (row {row.seq} of {table})"
        for gone in range(place + 1, min(row.seq, place + 1 + SHOWN)):
            note("missing", gone, None, f"row {gone} of {table} is missing")
        following = row.seq == place + 1
        if digest(row.prev_hash, [getattr(row, word) for word in kind.hashed(row)]) != row.hash:
            note("changed", row.seq, number, f"{told} was changed")
        elif following and row.prev_hash != previous:
            note("inserted", row.seq, number, f"{told} does not follow the row before it")
        if reason := kind.late(row):
            note("late", row.seq, number, f"{told} {reason}")
        elif stamp < stamped:
            note("late", row.seq, number, f"{told} was stamped before the row it follows")
        if waited := kind.slow(row):
            slow += 1
            if slow <= SHOWN:
                notices.append(Breach(table, "slow", row.seq, number, f"{told} {waited}"))
        previous, place, stamped = row.hash, row.seq, max(stamped, stamp)
    _end(session, table, place, previous, note)
    return Chain(rows, previous, breaches[:SHOWN], slow, notices)


def _end(session: Session, table: str, place: int, last: str, note: Any) -> None:
    """Compare the last row with the place that was noted when the newest one was written."""
    head = session.get(LedgerHead, table, populate_existing=True)
    noted = head.seq if head else 0
    for gone in range(place + 1, min(noted, place + SHOWN) + 1):
        note("missing", gone, None, f"row {gone} of {table} is missing")
    if place > noted:
        note("not_noted", place, None, f"rows {noted + 1} to {place} of {table} were written past the database's rules")
    elif head is not None and place == noted and head.hash != last:
        note("changed", place, None, f"the last row of {table} is not the one that was noted")


def _late_call(row: Row[Any]) -> str:
    try:
        step = timedelta(milliseconds=parse(row.timeframe).ms)
    except Refused:
        return "names a timeframe there is not"
    opened = row.open_time
    if (row.closed_at, row.outcome_from) != (opened + step, opened + 2 * step):
        return "carries times that do not follow from its candle"
    if row.due_at != opened + (1 + row.horizon) * step:
        return "carries times that do not follow from its horizon"
    if row.made_at >= row.outcome_from:
        return "is late: it was written when its outcome had begun to exist"
    return "is early: it was written before its candle closed" if row.made_at < row.closed_at else ""


def _late_outcome(row: Row[Any]) -> str:
    if row.call is None:
        return "has lost its call"
    return "was written before its path could have been known" if row.settled_at < row.outcome_from else ""


def _late_baseline(row: Row[Any]) -> str:
    if row.outcome_from is None:
        return "has lost its call"
    return "is late: it was written when the outcome had begun to exist" if row.made_at >= row.outcome_from else ""


def _slow(row: Row[Any]) -> str:
    """Said of an outcome that was written more than two bars after its horizon."""
    if row.call is None or row.settled_at <= row.due_at + LATE_BARS * (row.outcome_from - row.closed_at):
        return ""
    late = row.settled_at - row.due_at
    return f"was settled {late.days} d {late.seconds // 3600} h after its horizon, later than {LATE_BARS} bars"


def _word(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, datetime):
        return str((value - EPOCH) // timedelta(microseconds=1))
    return str(value)
