"""The audit log on the admin desk, for admins alone. Its export is in `dashapp.audit_export`."""

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from dash import Input, Output, State

import db.engine
from callbacks.grid_rows import Asked, words_of
from callbacks.guards import needs
from callbacks.wiring import Wiring
from core.roles import Role
from db.queries import audit
from db.tables import AuditEvent
from layouts import ids
from layouts.components.numbers import count

RESULTS = {"ok": "Done", "failed": "Failed", "denied": "Denied"}

wire = Wiring()
wire.clientside(
    "admin.events",
    Input(ids.Admin.EVENT_SEARCH, "value"),
    Input(ids.Admin.RESULT, "value"),
    State(ids.Admin.EVENTS, "id"),
)


def wanted_of(text: Any, result: Any) -> audit.Wanted:
    """The events that fit what was typed and chosen."""
    return audit.Wanted(text=words_of(text), result=result if result in RESULTS else "")


@wire(
    Output(ids.Admin.EVENTS, "getRowsResponse"),
    Output(ids.Admin.EVENT_COUNT, "children"),
    Input(ids.Admin.EVENTS, "getRowsRequest"),
    State(ids.Admin.EVENT_SEARCH, "value"),
    State(ids.Admin.RESULT, "value"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def event_rows(asked: dict[str, Any] | None, text: str | None, result: str | None) -> tuple[dict[str, Any], str]:
    """The rows the table asks for, newest first."""
    wanted = wanted_of(text, result)
    with db.engine.session() as session:
        rows = audit.page(session, wanted, **Asked.of(asked).given())
        total = audit.count(session, wanted)
    return {"rowData": [cells(row) for row in rows], "rowCount": total}, f"{count(total)} events"


def cells(row: AuditEvent) -> dict[str, Any]:
    """An event as the table shows it."""
    return {
        "id": str(row.id),
        "at": f"{row.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        "actor": row.actor,
        "action": row.action.replace("_", " ").capitalize(),
        "object": row.object,
        "ip": row.ip,
        "result": RESULTS.get(row.result, row.result),
        "detail": ", ".join(f"{key} {value}" for key, value in sorted(row.detail.items()) if value is not None),
    }


@wire(
    Output(ids.Admin.EXPORT, "href"),
    Input(ids.Admin.EVENT_SEARCH, "value"),
    Input(ids.Admin.RESULT, "value"),
)
@needs(Role.ADMIN)
def export_link(text: str | None, result: str | None) -> str:
    """The export holds what the table shows."""
    wanted = wanted_of(text, result)
    query = urlencode({key: value for key, value in (("text", wanted.text), ("result", wanted.result)) if value})
    return f"/admin/audit.csv?{query}" if query else "/admin/audit.csv"
