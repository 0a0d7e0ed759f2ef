"""Invitations on the admin desk. Every callback here is for admins alone."""

from datetime import datetime
from typing import Any

from dash import ALL, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

import db.engine
import db.queries.invitations as invitations
from callbacks.admin import settings
from callbacks.admin_users import changed, home, number
from callbacks.grid_rows import Asked, first_id, words_of
from callbacks.guards import current_user_id, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.email_address import check_email
from core.errors import Refused
from core.roles import Role
from db.queries.invitations import InvitationRow
from layouts import ids
from layouts.components import admin_members as drawn
from layouts.components.numbers import moment

wire = Wiring()
wire.clientside(
    "admin.users",
    Input(ids.Admin.INVITATION_SEARCH, "value"),
    Input(ids.Admin.USERS_CHANGED, "data"),
    State(ids.Admin.INVITATIONS, "id"),
)
wire.clientside("admin.fit", Input(ids.Admin.INVITATIONS, "getRowsResponse"), State(ids.Admin.INVITATIONS, "id"))


@wire(
    Output(ids.Admin.INVITE_FORM, "children"),
    Input(ids.Admin.INVITE_FORM, "id"),
)
@needs(Role.ADMIN)
def draw_form(_id: str) -> Any:
    return drawn.invite_pane(settings().registration)


@wire(
    Output(ids.Admin.INVITATIONS, "getRowsResponse"),
    Output(ids.Admin.INVITATION_COUNT, "children"),
    Input(ids.Admin.INVITATIONS, "getRowsRequest"),
    State(ids.Admin.INVITATION_SEARCH, "value"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def invitation_rows(asked: dict[str, Any] | None, text: str | None) -> tuple[dict[str, Any], str]:
    """The rows the table asks for."""
    wanted, now, words = Asked.of(asked), utc_now(), words_of(text)
    with db.engine.session() as session:
        rows = invitations.page(session, text=words, now=now, **wanted.given())
        total = invitations.count(session, text=words, now=now)
    return {"rowData": [cells(row, now) for row in rows], "rowCount": total}, f"{total} open or of the last 30 days"


def cells(row: InvitationRow, now: datetime) -> dict[str, Any]:
    """An invitation as the table shows it."""
    return {
        "id": str(row.id),
        "email": row.email or "Anybody",
        "role": row.role.capitalize(),
        "state": row.state.capitalize(),
        "by": row.by,
        "created_at": moment(row.created_at, now=now),
        "expires_at": moment(row.expires_at, now=now),
    }


@wire(
    Output(ids.Admin.INVITATION, "children"),
    Input(ids.Admin.INVITATIONS, "selectedRows"),
    Input(ids.Admin.USERS_CHANGED, "data"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def draw_invitation(rows: Any, _changed: Any) -> Any:
    """The chosen invitation with the way to withdraw it while it is open."""
    chosen = first_id(rows)
    if chosen is None:
        return None
    now = utc_now()
    with db.engine.session() as session:
        row = invitations.one(session, number(chosen), now=now)
    if row is None:
        return None
    facts = f"{row.role.capitalize()}, {row.state}, made {moment(row.created_at, now=now)} by {row.by or 'the server'}"
    return drawn.invitation_panel(row.id, row.email, facts, is_open=row.state == invitations.OPEN)


@wire(
    Output(ids.Admin.INVITE_LINK, "children"),
    Output(ids.Admin.INVITE_EMAIL, "value"),
    Output(ids.Admin.USERS_CHANGED, "data", allow_duplicate=True),
    Input(ids.Admin.INVITE, "n_clicks"),
    State(ids.Admin.INVITE_ROLE, "value"),
    State(ids.Admin.INVITE_EMAIL, "value"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def invite(clicks: int | None, role: Any, email: Any) -> tuple[Any, ...]:
    """A new invitation; its link is shown this once."""
    if not clicks:
        raise PreventUpdate
    given = next((one for one in Role if one.value == role), None)
    if given is None or settings().registration == "closed":
        raise Refused("Choose a role, and start Bolt with REGISTRATION=invite.")
    address = words_of(email)
    if address:
        check_email(address)
    with db.engine.session() as session:
        made, token = invitations.add(session, role=given, email=address, invited_by=current_user_id(), now=utc_now())
        note(session, "invitation_made", f"invitation {made.id}", role=given, email=address or None)
    link = f"{home()}/register?invite={token}"
    whom = f"Give this to {address}." if address else "Whoever has this link can make one account."
    return drawn.shown_once(f"{whom} It works once, for seven days, and is not shown again.", link), "", changed("made")


@wire(
    Output(ids.Admin.USERS_CHANGED, "data", allow_duplicate=True),
    Input({"type": ids.Admin.WITHDRAW, "index": ALL}, "n_clicks"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def withdraw(_clicks: list[int | None]) -> Any:
    """Make an open invitation worthless."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    with db.engine.session() as session:
        made = invitations.withdraw(session, number(str(ctx.triggered_id["index"])), now=utc_now())
        note(session, "invitation_withdrawn", f"invitation {made.id}")
    say("The invitation is withdrawn", kind="plain")
    return changed("withdrawn")
