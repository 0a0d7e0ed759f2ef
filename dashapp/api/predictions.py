"""Calls, what became of them, and asking for a training."""

from datetime import datetime
from typing import Literal

from pydantic import Field

import db.engine
from core.clock import from_ms, to_ms, utc_now
from core.jobs import TRAIN_MODEL
from core.roles import Role, covers
from dashapp.api import guard, paging
from dashapp.api.jobs import JobItem
from dashapp.api.markets import OfMarket, find
from dashapp.api.route import Reply, Resource
from dashapp.api.schemas import Answer, Body, Exchange, Money, Page, Paged, Symbol, Time, Timeframe, money, symbol_of
from db.queries import audit, jobs, predictions, users
from db.queries.predictions import CLASSES, CallRow
from ml import config, outlook, training_outlook
from ml.config import MAX_FOLDS, MAX_HORIZON, MAX_MARKETS, MAX_SEEDS
from ml.outlook import Outlook

TRAININGS = 20  # newest ones that are listed
Class = Literal["bearish", "neutral", "bullish"]

resource = Resource("Predictions")


class Probabilities(Answer):
    bearish: float = Field(examples=[0.25])
    neutral: float = Field(examples=[0.4])
    bullish: float = Field(examples=[0.35])


class Outcome(Answer):
    """What happened: `entry` is the open after the candle of the call, `log_return` from there to the decision."""

    outcome: Class = Field(examples=["neutral"])
    right: bool = Field(examples=[True])
    entry: Money
    log_return: float = Field(examples=[0.0012])
    ambiguous: bool = Field(examples=[False])
    log_loss: float = Field(examples=[0.92])
    brier: float = Field(examples=[0.55])
    settled_at: Time


class Revised(Answer):
    """Candles under a settled call that the exchange told differently later. Its outcome stays as it was written."""

    revisions: int = Field(examples=[1], description="How many times one of them was.")
    outcome: Class | None = Field(examples=["bullish"], description="What it would be now; null where nothing tells.")
    differs: bool = Field(examples=[True], description="That is another outcome than the one that was written.")


class Call(Answer):
    """Written before its outcome existed, and never changed since; `settled` is null until it is known."""

    id: int = Field(examples=[812])
    model_id: int = Field(examples=[4])
    model: str = Field(examples=["binance-btc-usdt-1h-h24"])
    version: int = Field(examples=[2])
    exchange: Exchange
    symbol: Symbol
    timeframe: Timeframe
    horizon: int = Field(examples=[24], description="In bars.")
    simulated: bool = Field(examples=[False])
    open_time: Time
    made_at: Time
    due_at: Time
    close: Money
    upper_factor: float = Field(examples=[1.012], description="Of the entry price: above it, bullish.")
    lower_factor: float = Field(examples=[0.988], description="Of the entry price: below it, bearish.")
    call: Class = Field(examples=["neutral"])
    confidence: float = Field(examples=[0.4])
    abstained: bool = Field(examples=[False], description="The model would rather not call; the likeliest is named.")
    abstain_reason: str | None = Field(examples=[None], description="`novel` or `undecided`.")
    probabilities: Probabilities
    settled: Outcome | None
    revised: Revised | None

    @classmethod
    def of(cls, row: CallRow) -> "Call":
        made = {n: getattr(row, n) for n in cls.model_fields if hasattr(row, n)}
        made |= {"symbol": symbol_of(row.symbol), "close": money(row.close)}
        made["probabilities"] = dict(zip(CLASSES, row.probabilities, strict=True))
        return cls(settled=_outcome(row), revised=_revised(row), **made)


class Calls(Answer):
    items: list[Call]


class CallPage(Paged):
    items: list[Call]


class HistoryQuery(Page):
    exchange: str | None = Field(default=None, max_length=32, examples=["binance"])
    timeframe: str = Field(default="1h", max_length=3, examples=["1h"])
    horizon: int | None = Field(default=None, ge=1, le=MAX_HORIZON, examples=[24])


class Training(Body):
    """Markets are written as on the pages, exchange first. What is left out is as usual for the scheme: one split has
    60 epochs and one seed, a walk-forward 4 folds, 8 epochs, every 4th bar and 5 seeds, a full one 8 folds, 60 epochs
    and every bar. Only walk-forwards can be promoted."""

    markets: list[str] = Field(min_length=1, max_length=MAX_MARKETS, examples=[["binance:BTC/USDT"]])
    timeframe: str = Field(max_length=3, examples=["1h"])
    horizon: int = Field(ge=1, le=MAX_HORIZON, examples=[24])
    scheme: Literal["single", "rolling", "anchored"] | None = Field(
        default=None,
        examples=["rolling"],
        description="One split, a quick look, or a walk-forward. Left out: `single`, with `full` `rolling`.",
    )
    full: bool = Field(default=False, examples=[False], description="The walk-forward at its full size.")
    folds: int | None = Field(
        default=None, ge=1, le=MAX_FOLDS, examples=[4], description="Of a walk-forward, at least 2."
    )
    train_days: int | None = Field(
        default=None, ge=30, le=3_650, examples=[365], description="Days each rolling fold is trained on."
    )
    stride: int | None = Field(
        default=None, ge=1, le=MAX_HORIZON, examples=[4], description="Every how many bars; at most the horizon."
    )
    epochs: int | None = Field(default=None, ge=1, le=1_000, examples=[30])
    seeds: int | None = Field(default=None, ge=1, le=MAX_SEEDS, examples=[5])
    cost: float | None = Field(
        default=None, ge=0, le=0.2, examples=[0.002], description="Of a round trip, as a share of the price."
    )


class BreakEven(Answer):
    """What calls have to earn in a market, by its newest candles, before anything is trained."""

    market: str = Field(examples=["binance:BTC/USDT"])
    barrier: float = Field(examples=[0.0214], description="Typical distance from the entry, as a share of the price.")
    hit_rate: float = Field(examples=[0.547], description="Share of right calls that pays the costs; from 1 on none.")
    told: str = Field(
        examples=[
            "Barriers lie about 2.14% from the entry: at costs of 0.20% a round trip a call has to be right 54.7% of "
            "the time to pay."
        ]
    )


class TrainingJob(JobItem):
    """The job, and what its calls will have to earn; a market is missing whose candles are too few to say."""

    break_even: list[BreakEven]


class Trainings(Answer):
    items: list[JobItem]


@resource("GET", "/predictions/<symbol:symbol>", answer=Calls, query=OfMarket, problems=(404,))
def list_latest_calls(symbol: str, query: OfMarket) -> Calls:
    """The newest call on a market, for each timeframe and horizon."""
    with db.engine.session() as session:
        market = find(session, symbol, query.exchange)
        return Calls(items=[Call.of(row) for row in predictions.latest(session, market_id=market.id)])


@resource("GET", "/predictions/<symbol:symbol>/history", answer=CallPage, query=HistoryQuery, problems=(404,))
def list_calls(symbol: str, query: HistoryQuery) -> Reply:
    """Every call on a market with its outcome, newest first, wrong ones included."""
    with db.engine.session() as session:
        market = find(session, symbol, query.exchange)
        before = _after_cursor(query.cursor)
        rows = predictions.history(
            session, market.id, query.timeframe, horizon=query.horizon, limit=query.limit + 1, before=before
        )
    found, cursor = paging.cut(rows, query.limit, lambda row: (to_ms(row.open_time), row.id))
    return paging.page(CallPage(items=[Call.of(row) for row in found], next_cursor=cursor))


@resource(
    "POST",
    "/predictions/train",
    answer=TrainingJob,
    status=202,
    body=Training,
    role=Role.ADMIN,
    scope="train",
    once=True,
)
def train(body: Training) -> Reply:
    """Have a model trained in the background; asked twice while it runs, it is the same job.

    Refused where barriers lie nearer than three times the costs; the problem says the numbers.
    """
    what = {"markets": body.markets, "timeframe": body.timeframe, "horizon": body.horizon}
    size = config.sized(**body.model_dump(exclude={"markets", "timeframe"}))
    asked = config.from_dict(what | size | {"seeds": config.first_seeds(size["seeds"])})
    with db.engine.session() as session:
        ahead = training_outlook.look(session, asked, now_ms=to_ms(utc_now()))
    training_outlook.demand(ahead, asked)
    me = guard.caller()
    job_id = jobs.submit(TRAIN_MODEL, what | size, owner_id=me.id, dedupe=asked.work)
    with db.engine.session() as session:
        item = JobItem.of(jobs.get(session, job_id))
        user, ip = users.get(session, me.id), guard.address()
        audit.by_user(session, user, "training_asked", object=f"job {job_id}", ip=ip, family=asked.family)
    rates = [_break_even(name, found, asked.cost) for name, found in ahead.items()]
    answer = TrainingJob(**item.model_dump(), break_even=rates)
    return Reply(answer, headers={"Location": f"/api/jobs/{job_id}"})


@resource("GET", "/predictions/train/status", answer=Trainings)
def list_trainings() -> Trainings:
    """The newest trainings you asked for; for admins, anybody's."""
    me = guard.caller()
    with db.engine.session() as session:
        found = jobs.latest(session, name=TRAIN_MODEL.name, limit=TRAININGS)
        mine = [job for job in found if job.owner_id == me.id or covers(me.role, Role.ADMIN)]
        return Trainings(items=[JobItem.of(job) for job in mine])


def _break_even(market: str, found: Outlook, cost: float) -> BreakEven:
    told = outlook.told(cost, found.barrier)
    return BreakEven(market=market, barrier=found.barrier, hit_rate=found.break_even, told=told)


def _after_cursor(cursor: str | None) -> tuple[datetime, int] | None:
    key = paging.decode(cursor, int, int)
    return (from_ms(min(max(key[0], 0), 10**14)), key[1]) if key else None


def _revised(row: CallRow) -> Revised | None:
    told = {"revisions": row.revisions, "outcome": row.outcome_now, "differs": row.differs}
    return Revised.model_validate(told) if row.revisions else None


def _outcome(row: CallRow) -> Outcome | None:
    if row.outcome is None or row.entry is None:
        return None
    happened = {n: getattr(row, n) for n in Outcome.model_fields if n != "entry"}
    return Outcome(entry=money(row.entry), **happened)
