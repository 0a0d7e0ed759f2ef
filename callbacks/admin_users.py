"""Accounts and invitations on the admin desk. Every callback here is for admins alone."""

from datetime import datetime, timedelta
from typing import Any

from dash import ALL, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate
from flask import current_app, request

import db.engine
import db.queries.invitations as invitations
import db.queries.members as members
import db.queries.users as users
from callbacks.admin import settings
from callbacks.grid_rows import Asked, first_id, words_of
from callbacks.guards import current_user_id, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core import reset_links
from core.clock import utc_now
from core.email_address import check_email
from core.errors import NotFound, Refused
from core.roles import Role
from db.queries.members import Member
from db.tables import Invitation, User
from layouts import ids
from layouts.components import admin_members as drawn
from layouts.components.numbers import moment

wire = Wiring()
wire.clientside(
    "admin.users",
    Input(ids.Admin.USER_SEARCH, "value"),
    Input(ids.Admin.USERS_CHANGED, "data"),
    State(ids.Admin.USERS, "id"),
)


@wire(
    Output(ids.Admin.USERS, "getRowsResponse"),
    Output(ids.Admin.USER_COUNT, "children"),
    Input(ids.Admin.USERS, "getRowsRequest"),
    State(ids.Admin.USER_SEARCH, "value"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def user_rows(asked: dict[str, Any] | None, text: str | None) -> tuple[dict[str, Any], str]:
    """The rows the table asks for."""
    wanted, now, words = Asked.of(asked), utc_now(), words_of(text)
    idle = timedelta(minutes=settings().session_idle_minutes)
    with db.engine.session() as session:
        rows = members.page(session, text=words, now=now, idle=idle, **wanted.given())
        total, everybody = members.count(session, text=words), members.count(session)
    said = f"{total} of {everybody}" if words else f"{everybody} in all"
    return {"rowData": [cells(row, now) for row in rows], "rowCount": total}, said


def cells(row: Member, now: datetime) -> dict[str, Any]:
    """An account as the table shows it."""
    return {
        "id": str(row.id),
        "email": row.email,
        "display_name": row.display_name,
        "role": "Owner" if row.is_owner else row.role.capitalize(),
        "state": "Disabled" if row.disabled_at else "Active",
        "open_sessions": row.open_sessions,
        "last_login_at": moment(row.last_login_at, now=now),
        "created_at": moment(row.created_at, now=now),
    }


@wire(
    Output(ids.Admin.USER, "children"),
    Input(ids.Admin.USERS, "selectedRows"),
    Input(ids.Admin.USERS_CHANGED, "data"),
    prevent_initial_call=True,
)
@needs(Role.ADMIN)
def draw_user(rows: Any, changed: dict[str, Any] | None) -> Any:
    """The chosen account as it is now. A link that was just made stays in sight."""
    if ctx.triggered_id == ids.Admin.USERS_CHANGED and (changed or {}).get("what") == "link":
        raise PreventUpdate
    user_id = first_id(rows)
    if user_id is None:
        return None
    with db.engine.session() as session:
        return drawn.panel(chosen_of(users.get(session, number(user_id))))


def chosen_of(user: User) -> drawn.Chosen:
    why = members.OWNER_STAYS if user.is_owner else members.NOT_ONESELF if user.id == current_user_id() else ""
    return drawn.Chosen(user.id, user.email, user.display_name, user.role, user.disabled_at is not None, why)


def number(text: str) -> int:
    """The id of an account or invitation out of a page; raises NotFound for what is none."""
    if not text.isdecimal() or len(text) > 9:
        raise NotFound("There is no such account.")
    return int(text)


@wire(
    Output(ids.Admin.USERS_CHANGED, "data"),
    Input({"type": ids.Admin.USER_ROLE, "index": ALL}, "value"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def give_role(chosen: list[str | None]) -> Any:
    """Give the chosen account another role; drawing the choice changes nothing."""
    if not ctx.triggered_id or not chosen:
        raise PreventUpdate
    role = next((one for one in Role if one.value == ctx.triggered[0]["value"]), None)
    if role is None:
        raise PreventUpdate
    with db.engine.session() as session:
        user_id = number(str(ctx.triggered_id["index"]))
        if users.get(session, user_id).role == role:
            raise PreventUpdate
        user, before = members.set_role(session, user_id, role, by=current_user_id())
        note(session, "role_changed", f"user {user.email}", before=before, role=role)
    say(f"{user.email} is {role} now", "It holds within a second, in open sessions too.")
    return changed("role")


@wire(
    Output(ids.Admin.USER_LINK, "children"),
    Output(ids.Admin.ASK, "is_open"),
    Output(ids.Admin.ASK_TEXT, "children"),
    Output(ids.Admin.ASK_YES, "n_clicks"),
    Output(ids.Admin.USERS_CHANGED, "data", allow_duplicate=True),
    Input({"type": ids.Admin.USER_ACT, "index": ALL}, "n_clicks"),
    Input(ids.Admin.ASK_YES, "n_clicks"),
    Input(ids.Admin.ASK_NO, "n_clicks"),
    State(ids.Admin.USERS, "selectedRows"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def act(_clicks: list[int | None], _yes: int | None, _no: int | None, rows: Any) -> tuple[Any, ...]:
    """Links, sessions and letting in happen at once; shutting out is asked for a second time."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    if ctx.triggered_id == ids.Admin.ASK_NO:
        return no_update, False, no_update, no_update, no_update
    if ctx.triggered_id == ids.Admin.ASK_YES:
        shut_out(number(first_id(rows) or ""))
        return None, False, no_update, 0, changed("disabled")
    word, _, user_id = str(ctx.triggered_id["index"]).partition("/")
    if word == "disable":
        return no_update, True, what_disabling_means(number(user_id)), 0, no_update
    if word == "link":
        return make_link(number(user_id)), False, no_update, no_update, changed("link")
    {"end": end_sessions, "enable": let_in}.get(word, unknown)(number(user_id))
    return None, False, no_update, no_update, changed(word)


def changed(what: str) -> dict[str, str]:
    """The store that makes the table and the chosen account load again."""
    return {"what": what, "at": utc_now().isoformat()}


def unknown(_id: int) -> None:
    raise Refused("That is nothing this desk can do. Reload the page.")


def what_disabling_means(user_id: int) -> str:
    with db.engine.session() as session:
        email = users.get(session, user_id).email
    return f"{email} is signed out everywhere and can't sign in again. What they made stays, and jobs go on."


def shut_out(user_id: int) -> None:
    with db.engine.session() as session:
        user = members.disable(session, user_id, by=current_user_id(), now=utc_now())
        note(session, "account_disabled", f"user {user.email}")
    say(f"{user.email} is disabled", "Their sessions end within a second.", kind="plain")


def let_in(user_id: int) -> None:
    with db.engine.session() as session:
        user = members.enable(session, user_id, by=current_user_id())
        note(session, "account_enabled", f"user {user.email}")
    say(f"{user.email} may sign in again")


def end_sessions(user_id: int) -> None:
    with db.engine.session() as session:
        user = users.get(session, user_id)
        users.end_all_sessions(session, user.id)
        note(session, "sessions_ended", f"user {user.email}")
    say(f"Every session of {user.email} has ended")


def make_link(user_id: int) -> Any:
    """A signed link by which the account chooses a new password; the owner makes their own at the server."""
    with db.engine.session() as session:
        user = users.get(session, user_id)
        if user.is_owner:
            raise Refused("The owner's password is reset at the server: python -m dashapp reset-password.")
        if user.disabled_at is not None:
            raise Refused("This account is disabled. Enable it first.")
        note(session, "reset_link_made", f"user {user.email}")
    key = str(current_app.secret_key)
    link = f"{home()}/reset?token={reset_links.make(key, user.id, user.session_version, now=utc_now())}"
    return drawn.shown_once(f"Give this to {user.email}. It works once, for a day, and is not shown again.", link)


def home() -> str:
    """The address people type."""
    return (settings().public_url or request.host_url).rstrip("/")


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
