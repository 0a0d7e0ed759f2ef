"""Invitations on the admin desk. Every callback here is for admins alone."""

from datetime import datetime
from typing import Any

from dash import ALL, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

import db.engine
import db.queries.invitations as invitations
import db.queries.users as users
from callbacks.admin import settings
from callbacks.admin_users import changed, home, number
from callbacks.grid_rows import words_of
from callbacks.guards import current_user_id, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.email_address import check_email
from core.errors import Refused
from core.roles import Role
from db.tables import Invitation
from layouts import ids
from layouts.components import admin_members as drawn

wire = Wiring()


@wire(
    Output(ids.Admin.INVITE_FORM, "children"),
    Input(ids.Admin.INVITE_FORM, "id"),
)
@needs(Role.ADMIN)
def draw_form(_id: str) -> Any:
    return drawn.invite_pane(settings().registration)


@wire(
    Output(ids.Admin.INVITATIONS, "children"),
    Input(ids.Admin.USERS_CHANGED, "data"),
)
@needs(Role.ADMIN)
def draw_invitations(_changed: Any) -> Any:
    now = utc_now()
    with db.engine.session() as session:
        rows = invitations.listed(session, now=now)
        names = {user_id: users.get(session, user_id).email for user_id in {r.invited_by for r in rows} if user_id}
    return drawn.invitations_pane([invited(row, names, now) for row in rows], now=now)


def invited(row: Invitation, names: dict[int, str], now: datetime) -> drawn.Invited:
    state = "used" if row.used_at else "withdrawn" if row.withdrawn_at else "open" if row.expires_at > now else "ended"
    return drawn.Invited(row.id, row.role, row.email or "", state, row.expires_at, names.get(row.invited_by or 0, ""))


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
