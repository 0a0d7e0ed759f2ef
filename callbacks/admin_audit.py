"""The audit log on the admin desk, for admins alone. Its export is in `dashapp.audit_export`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from dash import Input, Output, State

import db.engine
from callbacks.grid_rows import Asked, words_of
from callbacks.guards import needs
from callbacks.wiring import Wiring
from core.errors import Refused
from core.roles import Role
from db.queries import audit
from db.tables import AuditEvent
from layouts import ids
from layouts.components.numbers import count

FILTERS = ("text", "result", "action", "person", "since", "until")  # as the export's address names them
DAY = timedelta(days=1)
RESULTS = {"ok": "Done", "failed": "Failed", "denied": "Denied"}

wire = Wiring()
wire.clientside(
    "admin.events",
    Input(ids.Admin.EVENT_SEARCH, "value"),
    Input(ids.Admin.RESULT, "value"),
    Input(ids.Admin.ACTION, "value"),
    Input(ids.Admin.PERSON, "value"),
    Input(ids.Admin.SINCE, "value"),
    Input(ids.Admin.UNTIL, "value"),
    State(ids.Admin.EVENTS, "id"),
)


def wanted_of(
    text: Any, result: Any, action: Any = None, person: Any = None, since: Any = None, until: Any = None
) -> audit.Wanted:
    """The events that fit what was typed and chosen; both days belong to the span. Refused for what is no day."""
    first, last = day_of(since), day_of(until)
    return audit.Wanted(
        text=words_of(text),
        result=result if result in RESULTS else "",
        action=words_of(action),
        person=words_of(person),
        since=first,
        until=last + DAY if last else None,
    )


def day_of(text: Any) -> datetime | None:
    """The beginning of a day in UTC, None where nothing was typed."""
    words = words_of(text)
    if not words:
        return None
    try:
        return datetime.strptime(words, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused("Write the day as 2026-01-31.") from error


@wire(
    Output(ids.Admin.ACTION, "options"),
    Output(ids.Admin.PERSON, "options"),
    Input(ids.Admin.ACTION, "id"),
)
@needs(Role.ADMIN)
def choices(_id: str) -> tuple[dict[str, str], list[str]]:
    """What the log holds, to choose from."""
    with db.engine.session() as session:
        return {action: action_words(action) for action in audit.actions(session)}, audit.people(session)


def action_words(action: str) -> str:
    return action.replace("_", " ").capitalize()


@wire(
    Output(ids.Admin.EVENTS, "getRowsResponse"),
    Output(ids.Admin.EVENT_COUNT, "children"),
    Input(ids.Admin.EVENTS, "getRowsRequest"),
    State(ids.Admin.EVENT_SEARCH, "value"),
    State(ids.Admin.RESULT, "value"),
    State(ids.Admin.ACTION, "value"),
    State(ids.Admin.PERSON, "value"),
    State(ids.Admin.SINCE, "value"),
    State(ids.Admin.UNTIL, "value"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def event_rows(asked: dict[str, Any] | None, *chosen: Any) -> tuple[dict[str, Any], str]:
    """The rows the table asks for, newest first."""
    wanted = wanted_of(*chosen)
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
        "action": action_words(row.action),
        "object": row.object,
        "ip": row.ip,
        "result": RESULTS.get(row.result, row.result),
        "detail": ", ".join(f"{key}: {value}" for key, value in sorted(row.detail.items()) if value is not None),
    }


@wire(
    Output(ids.Admin.EXPORT, "href"),
    Input(ids.Admin.EVENT_SEARCH, "value"),
    Input(ids.Admin.RESULT, "value"),
    Input(ids.Admin.ACTION, "value"),
    Input(ids.Admin.PERSON, "value"),
    Input(ids.Admin.SINCE, "value"),
    Input(ids.Admin.UNTIL, "value"),
)
@needs(Role.ADMIN)
def export_link(text: Any, result: Any, action: Any, person: Any, since: Any, until: Any) -> str:
    """The export holds what the table shows."""
    wanted = wanted_of(text, result, action, person, since, until)
    days = (words_of(since), words_of(until))
    given = zip(FILTERS, (wanted.text, wanted.result, wanted.action, wanted.person, *days), strict=True)
    query = urlencode({name: value for name, value in given if value})
    return f"/admin/audit.csv?{query}" if query else "/admin/audit.csv"
