"""Model versions and what their files take, on the admin desk. Every callback here is for admins alone."""

from datetime import datetime
from typing import Any

from dash import Input, Output, State

import db.engine
import db.queries.trained_models as trained_models
from callbacks.admin import folders, settings, size_of
from callbacks.grid_rows import Asked, words_of
from callbacks.guards import needs
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.roles import Role
from db.queries.trained_models import StoredRow
from layouts import ids
from layouts.components.admin_desk import size
from layouts.components.numbers import moment

wire = Wiring()
wire.clientside(
    "admin.jobs",
    Input(ids.Admin.MODEL_SEARCH, "value"),
    Input(ids.Admin.TICK, "n_intervals"),
    Input(ids.Admin.CHANGED, "data"),
    State(ids.Admin.MODELS, "id"),
)
wire.clientside("admin.fit", Input(ids.Admin.MODELS, "getRowsResponse"), State(ids.Admin.MODELS, "id"))


@wire(
    Output(ids.Admin.MODELS, "getRowsResponse"),
    Output(ids.Admin.MODEL_COUNT, "children"),
    Input(ids.Admin.MODELS, "getRowsRequest"),
    State(ids.Admin.MODEL_SEARCH, "value"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def model_rows(asked: dict[str, Any] | None, text: str | None) -> tuple[dict[str, Any], str]:
    """The rows the table asks for."""
    words, now = words_of(text), utc_now()
    with db.engine.session() as session:
        rows = trained_models.stored(session, text_=words, **Asked.of(asked).given())
        total = trained_models.count_stored(session, text_=words)
        places = folders(session)
    taken = size(sum(map(size_of, places)))
    said = f"{total} of {len(places)}, {taken} in all" if words else f"{total} in all, {taken}"
    return {"rowData": [cells(row, now) for row in rows], "rowCount": total}, said


def cells(row: StoredRow, now: datetime) -> dict[str, Any]:
    """A version as the table shows it."""
    return {
        "id": str(row.id),
        "title": row.title,
        "state": row.state.capitalize(),
        "timeframe": row.timeframe,
        "created_at": moment(row.created_at, now=now),
        "size": size(size_of(settings().models / row.folder)),
    }
