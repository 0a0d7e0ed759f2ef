"""Everybody's open sessions on the admin desk, and ending one. Every callback here is for admins alone."""

from datetime import datetime, timedelta
from typing import Any

from dash import ALL, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

import db.engine
import db.queries.session_table as session_table
from callbacks.admin import settings
from callbacks.admin_users import changed, number
from callbacks.grid_rows import Asked, first_id, words_of
from callbacks.guards import needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.browsers import browser
from core.clock import utc_now
from core.roles import Role
from db.queries.session_table import SessionRow
from layouts import ids
from layouts.components import admin_members as drawn
from layouts.components.numbers import moment

wire = Wiring()
wire.clientside(
    "admin.users",
    Input(ids.Admin.SESSION_SEARCH, "value"),
    Input(ids.Admin.USERS_CHANGED, "data"),
    State(ids.Admin.SESSIONS, "id"),
)
wire.clientside("admin.fit", Input(ids.Admin.SESSIONS, "getRowsResponse"), State(ids.Admin.SESSIONS, "id"))


def idle() -> timedelta:
    return timedelta(minutes=settings().session_idle_minutes)


@wire(
    Output(ids.Admin.SESSIONS, "getRowsResponse"),
    Output(ids.Admin.SESSION_COUNT, "children"),
    Input(ids.Admin.SESSIONS, "getRowsRequest"),
    State(ids.Admin.SESSION_SEARCH, "value"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def session_rows(asked: dict[str, Any] | None, text: str | None) -> tuple[dict[str, Any], str]:
    """The rows the table asks for."""
    wanted, now, words = Asked.of(asked), utc_now(), words_of(text)
    with db.engine.session() as session:
        rows = session_table.page(session, text=words, now=now, idle=idle(), **wanted.given())
        total = session_table.count(session, text=words, now=now, idle=idle())
    return {"rowData": [cells(row, now) for row in rows], "rowCount": total}, f"{total} open"


def cells(row: SessionRow, now: datetime) -> dict[str, Any]:
    """A session as the table shows it."""
    times = {"created_at": moment(row.created_at, now=now), "seen_at": moment(row.seen_at, now=now)}
    return {"id": str(row.id), "email": row.email, "device": browser(row.device), "ip": row.ip} | times


@wire(
    Output(ids.Admin.SESSION, "children"),
    Input(ids.Admin.SESSIONS, "selectedRows"),
    Input(ids.Admin.USERS_CHANGED, "data"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def draw_session(rows: Any, _changed: Any) -> Any:
    """The chosen session with the way to end it, nothing where it has ended."""
    chosen = first_id(rows)
    if chosen is None:
        return None
    now = utc_now()
    with db.engine.session() as session:
        row = session_table.one(session, number(chosen), now=now, idle=idle())
    return drawn.session_panel(row.id, row.email, row.device, row.ip) if row else None


@wire(
    Output(ids.Admin.USERS_CHANGED, "data", allow_duplicate=True),
    Input({"type": ids.Admin.SESSION_END, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def end_session(_clicks: list[int | None]) -> Any:
    """Sign one browser out; the account keeps its others."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    with db.engine.session() as session:
        user, ip = session_table.end(session, number(str(ctx.triggered_id["index"])), now=utc_now())
        note(session, "session_ended", f"user {user.email}", address=ip)
    say(f"A session of {user.email} has ended")
    return changed("session")
