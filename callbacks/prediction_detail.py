"""What the Predictions page reads for one call, or for one test period."""

from datetime import datetime
from typing import Any

from dash.development.base_component import Component
from sqlalchemy.orm import Session

import db.queries.markets
import db.queries.outcome_revisions
import db.queries.predictions
import db.queries.scorecards
import db.queries.trained_models
import market.candles
from core.clock import from_ms, to_ms
from core.market_name import MarketName, parse_path
from core.timeframe import parse
from db.queries.outcome_revisions import Revised
from db.queries.predictions import CLASSES, CallRow
from db.queries.scorecards import Pair
from layouts.components import call_detail, drift_report, score_slices, scorecard
from layouts.components.call_table import Call, Tested
from layouts.components.feedback import pane
from layouts.components.numbers import dates
from layouts.figures import past_calls
from layouts.figures.past_calls import Mark, Zone
from ml.card import Card, TestCalls
from ml.drift import Report

BARS = 180  # candles in the picture
Drawn = tuple[list[Component], list[Component], list[Component]]  # picture and record, call, what judges it


def live(session: Session, call: Call, *, now: datetime, dark: bool, updown: str) -> Drawn:
    """Picture, scorecard and figures of the newest call of a model in a market, past ones beside it."""
    market = db.queries.markets.get(session, _name(call.market_path))
    rows = db.queries.predictions.history(session, market.id, call.timeframe, horizon=call.horizon, limit=BARS)
    rows = [row for row in rows if row.model_id == call.model_id]
    candles = market_candles(session, market.id, call.timeframe, now)
    marks = [_mark(row) for row in rows]
    newest = rows[0]
    upper, lower = newest.close * newest.upper_factor, newest.close * newest.lower_factor
    zone = Zone(to_ms(newest.closed_at), to_ms(newest.due_at), upper, lower) if newest.outcome is None else None
    figure = past_calls.draw(candles, marks, zone=zone, dark=dark, updown=updown)
    title = f"Past calls, {call.symbol} on {call.exchange}"
    picture = call_detail.picture(title, f"{call.timeframe}, {call.horizon} bars ahead", figure, marks)
    rail = call_detail.live_rail(
        call, barriers=(upper, lower), close=newest.close, decimals=market.price_decimals, now=now
    )
    return [*picture, *_record(call, dark, updown)], rail, _judged(session, call, now, dark, updown)


def _record(call: Call, dark: bool, updown: str) -> list[Component]:
    """The scorecard under the picture, once anything has settled."""
    card = call.card
    if card is None:
        return []
    span = f"{dates(from_ms(card.first_ms), from_ms(card.last_ms))}, every settled call"
    parts: list[Component] = [
        pane("Scorecard against simple rules", scorecard.forecasters(card), sub=span, flush=True),
        pane("Scores with 95% intervals", score_slices.whole(card), sub="resampled in blocks of time", flush=True),
        scorecard.log_loss_saved(card, dark=dark, updown=updown),
    ]
    if card.regimes:
        sub = "as it was known when the call was made"
        parts.append(pane("By kind of market", score_slices.kinds(card.regimes), sub=sub, flush=True))
    return parts


def _judged(session: Session, call: Call, now: datetime, dark: bool, updown: str) -> list[Component]:
    """What the rail says under the call: evidence, reliability, drift."""
    kept = db.queries.scorecards.report(session, call.model_id, db.queries.scorecards.DRIFT)
    report = Report.from_dict(kept.report) if kept else None
    moved = drift_report.block(report, kept.created_at if kept else None, now=now)
    if call.card is None:
        return [moved]
    market_id = db.queries.markets.get(session, _name(call.market_path)).id
    unsettled = db.queries.scorecards.unsettled(session).get(Pair(call.model_id, market_id), 0)
    revised = db.queries.outcome_revisions.counts(session).get((call.model_id, market_id), Revised())
    return [
        scorecard.evidence_block(call.card, unsettled=unsettled, revised=(revised.calls, revised.otherwise)),
        scorecard.reliability_block(call.card, dark=dark, updown=updown),
        moved,
    ]


def market_candles(session: Session, market_id: int, timeframe: str, now: datetime) -> Any:
    """The newest closed candles."""
    return market.candles.latest(session, market_id, timeframe, BARS, now_ms=to_ms(now))


def _mark(row: CallRow) -> Mark:
    return Mark(
        time_ms=to_ms(row.open_time),
        call=CLASSES.index(row.call),
        confidence=row.confidence,
        outcome=_outcome(row),
        abstained=row.abstained,
        revised=row.revised_words,
    )


def _outcome(row: CallRow) -> int | None:
    return None if row.outcome is None else CLASSES.index(row.outcome)


def _name(path: str) -> MarketName:
    exchange, _, symbol = path.partition("/")
    return parse_path(exchange, symbol)


def period(session: Session, tested: Tested, *, now: datetime, dark: bool, updown: str) -> Drawn:
    """Picture and figures of a model's test period: its newest calls there, with their outcomes."""
    name = _name(tested.market_path)
    card = Card.from_dict(db.queries.trained_models.get(session, tested.model_id).card)
    calls = card.calls.get(str(name), TestCalls())
    market_id = db.queries.markets.get(session, name).id
    marks = [
        Mark(time, call, max(shares), outcome)
        for time, call, shares, outcome in zip(
            calls.time_ms, calls.call, calls.probabilities, calls.outcome, strict=True
        )
    ][-BARS:]
    step = parse(tested.timeframe).ms
    start = marks[0].time_ms if marks else None
    end = marks[-1].time_ms + (tested.horizon + 1) * step if marks else None
    window = market.candles.window(session, market_id, tested.timeframe, start_ms=start, end_ms=end)
    figure = past_calls.draw(window.visible, marks, dark=dark, updown=updown)
    title = f"End of the test period, {tested.symbol} on {tested.exchange}"
    picture = call_detail.picture(title, f"the newest {len(marks)} of its calls", figure, marks)
    return picture, call_detail.tested_rail(tested, card, now=now), []


def end_of(card: dict[str, Any], market: str, timeframe: str) -> datetime:
    """When the last candle closed that a training saw of a market."""
    last = next(span["last_ms"] for span in card["data"] if span["market"] == market)
    return from_ms(last + parse(timeframe).ms)
