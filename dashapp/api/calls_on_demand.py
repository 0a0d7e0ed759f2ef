"""A call asked for now. What makes it is a worker: the web process reads no file of a model."""

import time
from typing import Any

from pydantic import Field

import db.engine
from core.clock import utc_now
from core.errors import BoltError, ModelUnavailable, NotFound, Refused, SeriesEnded, Unavailable
from core.jobs import CALLED, ENDED_STATES, PREDICT_ONE
from core.market_name import MarketName
from core.roles import Role
from dashapp.api import guard
from dashapp.api.jobs import JobItem
from dashapp.api.markets import OfMarket, find
from dashapp.api.predictions import Call
from dashapp.api.route import Reply, Resource
from dashapp.api.schemas import Answer
from db.queries import jobs, predictions
from ml import predictor

WAIT = 5.0  # seconds for a worker until the answer is the job
LOOK = 0.25  # seconds between two looks at it
NO_ANSWER = "The call could not be made. Ask again; if it happens again, an admin finds the reason in the log."
REASONS: dict[str, type[BoltError]] = {
    error.code: error for error in (Refused, SeriesEnded, NotFound, ModelUnavailable)
}

resource = Resource("Predictions")


class OfSeries(OfMarket):
    timeframe: str = Field(default="1h", max_length=3, examples=["1h"])


class AskedCall(Answer):
    """`written` is false where the ledger held a call on this candle already: that one stands, no other is made.
    `note` says why another version made it than the one that serves."""

    call: Call
    written: bool = Field(examples=[True])
    note: str | None = Field(examples=[None])


@resource(
    "POST",
    "/predictions/<symbol:symbol>",
    answer=AskedCall,
    query=OfSeries,
    role=Role.ANALYST,
    scope="train",
    once=True,
    later=JobItem,
    problems=(404,),
)
def ask_for_call(symbol: str, query: OfSeries) -> Reply:
    """The call on the last closed candle, made now and written to the ledger where none stands."""
    me = guard.caller()
    with db.engine.session() as session:
        market = find(session, symbol, query.exchange)
        name = MarketName(market.exchange, market.symbol)
        stands = predictor.standing(session, name, query.timeframe, now=utc_now())
        guard.note(session, me, "call_asked", f"{name} {query.timeframe}")
    if stands is not None:
        return Reply(AskedCall(call=Call.of(stands.call), written=False, note=stands.note))
    asked = {"exchange": name.exchange, "symbol": name.symbol, "timeframe": query.timeframe}
    job_id = jobs.submit(PREDICT_ONE, asked, asked_by=me.email, dedupe=f"{PREDICT_ONE.name}:{name}:{query.timeframe}")
    job = _followed(job_id)
    if job.state not in ENDED_STATES:
        return Reply(job, status=202, headers={"Location": f"/api/jobs/{job_id}"})
    return _answer(job)


def _followed(job_id: str) -> JobItem:
    """The job as it ended, or as it is when nobody has ended it in time."""
    until = time.monotonic() + WAIT
    while True:
        with db.engine.session() as session:
            item = JobItem.of(jobs.get(session, job_id))
        if item.state in ENDED_STATES or time.monotonic() >= until:
            return item
        time.sleep(LOOK)


def _answer(job: JobItem) -> Reply:
    """What the worker answered; raises what it met."""
    said: dict[str, Any] = job.result or {}
    if job.state != "succeeded":
        raise Unavailable(NO_ANSWER)
    if said["code"] != CALLED:
        raise REASONS[said["code"]](said["detail"])
    with db.engine.session() as session:
        call = Call.of(predictions.get(session, said["call_id"]))
    return Reply(AskedCall(call=call, written=said["written"], note=said["note"]))
