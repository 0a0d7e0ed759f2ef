"""What moved the call that is open on the Predictions page: a worker is asked once, and its answer drawn."""

from typing import Any
from urllib.parse import parse_qs

from dash import Input, Output, State
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from sqlalchemy.orm import Session

import db.engine
import db.queries.explanations
import db.queries.markets
import db.queries.predictions
from callbacks.guards import needs
from callbacks.wiring import Wiring
from core.errors import NotFound, Refused
from core.jobs import OPEN_STATES
from core.market_name import parse_path
from core.roles import Role
from db.tables import Job
from layouts import ids
from layouts.components import moved
from ml.attribution import Share

ASKED_BY = "Predictions page"  # nobody is told when it has ended

wire = Wiring()


@wire(
    Output(ids.Predictions.MOVED_SEEN, "data"),
    Output(ids.Predictions.MOVED, "children"),
    Input(ids.Predictions.TICK, "n_intervals"),
    Input(ids.Shell.LOCATION, "search"),
    State(ids.Predictions.MOVED_SEEN, "data"),
    changes=True,
)
@needs(Role.VIEWER)
def follow(_ticks: int | None, search: str | None, seen: Any) -> tuple[Any, Component | None]:
    """The shares of the newest call of what the address names; nothing on the board of all markets."""
    with db.engine.session() as session:
        call_id = _call_id(session, search)
        job = db.queries.explanations.newest(session, call_id) if call_id is not None else None
        stamp = [call_id, job.id, job.state] if job is not None else None
        if stamp == seen and (job is not None or call_id is None):
            raise PreventUpdate
        drawn = _drawn(job) if job is not None else None
    if call_id is None:
        return None, None
    if job is None:
        db.queries.explanations.ask(call_id, asked_by=ASKED_BY)
        return None, moved.waiting()
    return stamp, drawn


def _drawn(job: Job) -> Component:
    if job.state in OPEN_STATES:
        return moved.waiting()
    if job.result is None:
        return moved.failed(f"It could not be worked out. {job.reason or 'No reason was given.'}")
    if "detail" in job.result:
        return moved.failed(job.result["detail"])
    return moved.block(job.result["said"], [Share.from_dict(share) for share in job.result["shares"]])


def _call_id(session: Session, search: str | None) -> int | None:
    """The newest call of a model in a market at a timeframe, as the address has them; None where it names none."""
    query = parse_qs((search or "").lstrip("?"))
    path, timeframe, model = (query.get(word, [""])[0] for word in ("market", "tf", "model"))
    exchange, _, symbol = path.partition("/")
    try:
        market = db.queries.markets.get(session, parse_path(exchange, symbol))
    except (NotFound, Refused):
        return None
    calls = db.queries.predictions.latest(session, market_id=market.id)
    return next((c.id for c in calls if (c.timeframe, str(c.model_id)) == (timeframe, model)), None)
