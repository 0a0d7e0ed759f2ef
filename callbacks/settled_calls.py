"""The list of all settled calls: narrowed by market, model, outcome and time, fifty more at a time."""

from datetime import datetime, timedelta
from typing import Any

from dash import Input, Output, Patch, State
from dash.exceptions import PreventUpdate
from sqlalchemy.orm import Session

import db.engine
import db.queries.settled_calls as calls
from callbacks.prediction_board import settled_row
from callbacks.wiring import Wiring
from core.clock import utc_now
from db.queries.predictions import CallRow
from db.queries.settled_calls import Wanted
from layouts import ids
from layouts.components import settled_list
from layouts.components.call_table import Settled
from layouts.components.feedback import empty
from layouts.components.settled_list import Tally

PAGE = 50
FILTERS = (
    Input(ids.SettledCalls.MARKET, "value"),
    Input(ids.SettledCalls.MODEL, "value"),
    Input(ids.SettledCalls.RESULT, "value"),
    Input(ids.SettledCalls.PERIOD, "value"),
)

wire = Wiring()


@wire(
    Output(ids.SettledCalls.MARKET, "options"),
    Output(ids.SettledCalls.MODEL, "options"),
    Input(ids.Shell.LOCATION, "pathname"),
)
def offer(_path: str | None) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Markets and versions that have settled calls."""
    with db.engine.session() as session:
        markets = [{"label": str(name), "value": name.path} for name, _ in calls.markets(session)]
        models = [{"label": title, "value": str(number)} for title, number in calls.models(session)]
    return markets, models


@wire(
    Output(ids.SettledCalls.LIST, "children"),
    Output(ids.SettledCalls.TALLY, "children"),
    Output(ids.SettledCalls.AFTER, "data"),
    Output(ids.SettledCalls.FOOT, "hidden"),
    *FILTERS,
)
def show(market: Any, model: Any, result: Any, days: Any) -> tuple[Any, ...]:
    """The newest of what fits, and how all of it came out."""
    now = utc_now()
    with db.engine.session() as session:
        wanted = _wanted(session, market, model, result, days, now)
        rows = calls.page(session, wanted, limit=PAGE + 1)
        real, simulated = (Tally(**calls.tally(session, wanted, simulated=s)) for s in (False, True))
    if not rows:
        words = "Calls settle when their horizon is over. Choose a longer time or another market to see earlier ones."
        return empty("No settled call fits", words), None, None, True
    drawn = settled_list.rows(_named(rows[:PAGE]), now=now)
    return drawn, settled_list.tally(real, simulated), _place(rows), len(rows) <= PAGE


@wire(
    Output(ids.SettledCalls.LIST, "children", allow_duplicate=True),
    Output(ids.SettledCalls.AFTER, "data", allow_duplicate=True),
    Output(ids.SettledCalls.FOOT, "hidden", allow_duplicate=True),
    Input(ids.SettledCalls.MORE, "n_clicks"),
    State(ids.SettledCalls.AFTER, "data"),
    *(State(one.component_id, "value") for one in FILTERS),
    prevent_initial_call=True,
)
def show_more(clicks: int | None, after: Any, market: Any, model: Any, result: Any, days: Any) -> tuple[Any, ...]:
    """The next fifty, put under those that stand."""
    place = _read_place(after)
    if not clicks or place is None:
        raise PreventUpdate
    now = utc_now()
    with db.engine.session() as session:
        wanted = _wanted(session, market, model, result, days, now)
        rows = calls.page(session, wanted, after=place, limit=PAGE + 1)
    table = Patch()
    table["props"]["children"][1]["props"]["children"].extend(
        settled_list.body(settled_list.rows(_named(rows[:PAGE]), now=now))
    )
    return table, _place(rows), len(rows) <= PAGE


def _wanted(session: Session, market: Any, model: Any, result: Any, days: Any, now: datetime) -> Wanted:
    """What the controls ask for; what does not exist fits nothing."""
    known = {name.path: number for name, number in calls.markets(session)}
    number = int(model) if isinstance(model, str) and model.isdecimal() and len(model) < 10 else 0
    since = now - timedelta(days=int(days)) if days in ("1", "7", "30") else None
    return Wanted(
        market_id=known.get(market, 0) if market else None,
        model_id=number if model else None,
        result=result if result in calls.BY_RESULT else "",
        since=since,
    )


def _named(rows: list[CallRow]) -> list[tuple[Settled, str]]:
    return [(settled_row(row), f"h{row.horizon} v{row.version}") for row in rows]


def _place(rows: list[CallRow]) -> list[Any] | None:
    """Where the page ends, and the next one begins."""
    last = rows[:PAGE][-1] if rows else None
    return [last.settled_at.isoformat(), last.id] if last is not None and last.settled_at is not None else None


def _read_place(data: Any) -> tuple[datetime, int] | None:
    try:
        at, number = data
        return datetime.fromisoformat(at), int(number)
    except (TypeError, ValueError):
        return None
