"""Accounts and invitations on the admin desk. Every callback here is for admins alone."""

from datetime import datetime, timedelta
from typing import Any

from dash import ALL, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate
from flask import current_app, request

import db.engine
import db.queries.factors as factors
import db.queries.members as members
import db.queries.users as users
from callbacks.admin import settings
from callbacks.admin_questions import QUESTIONS, means, tell_role
from callbacks.grid_rows import Asked, first_id, words_of
from callbacks.guards import current_user_id, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core import reset_links
from core.clock import utc_now
from core.errors import NotFound, Refused
from core.roles import Role
from db.queries.members import Member
from db.tables import User
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
wire.clientside("admin.fit", Input(ids.Admin.USERS, "getRowsResponse"), State(ids.Admin.USERS, "id"))


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
        user = users.get(session, number(user_id))
        return drawn.panel(chosen_of(user, has_codes=factors.totp_on(session, user.id)))


def chosen_of(user: User, *, has_codes: bool) -> drawn.Chosen:
    why = members.OWNER_STAYS if user.is_owner else members.NOT_ONESELF if user.id == current_user_id() else ""
    disabled = user.disabled_at is not None
    return drawn.Chosen(user.id, user.email, user.display_name, user.role, disabled, has_codes, why)


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
        if role is Role.ADMIN:  # has a button of its own, which asks
            raise Refused("Use the button Make admin.")
        tell_role(session, user_id, role)
    return changed("role")


@wire(
    Output(ids.Admin.USER_LINK, "children"),
    Output(ids.Admin.ASK, "is_open"),
    Output(ids.Admin.ASK_TEXT, "children"),
    Output(ids.Admin.ASK_YES, "n_clicks"),
    Output(ids.Admin.ASK_YES, "children"),
    Output(ids.Admin.ASKED, "data"),
    Output(ids.Admin.USERS_CHANGED, "data", allow_duplicate=True),
    Input({"type": ids.Admin.USER_ACT, "index": ALL}, "n_clicks"),
    Input(ids.Admin.ASK_YES, "n_clicks"),
    Input(ids.Admin.ASK_NO, "n_clicks"),
    State(ids.Admin.USERS, "selectedRows"),
    State(ids.Admin.ASKED, "data"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def act(_clicks: list[int | None], _yes: int | None, _no: int | None, rows: Any, asked: Any) -> tuple[Any, ...]:
    """Links, sessions and letting in happen at once; what shuts out or gives power is asked for a second time."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    if ctx.triggered_id == ids.Admin.ASK_NO:
        return no_update, False, *[no_update] * 5
    if ctx.triggered_id == ids.Admin.ASK_YES:
        question = QUESTIONS.get(str(asked))
        (question.do if question else unknown)(number(first_id(rows) or ""))
        return None, False, no_update, 0, no_update, None, changed(str(asked))
    word, _, user_id = str(ctx.triggered_id["index"]).partition("/")
    if word in QUESTIONS:
        return no_update, True, means(word, number(user_id)), 0, QUESTIONS[word].yes, word, no_update
    if word == "link":
        return make_link(number(user_id)), False, *[no_update] * 4, changed("link")
    {"end": end_sessions, "enable": let_in}.get(word, unknown)(number(user_id))
    return None, False, *[no_update] * 4, changed(word)


def changed(what: str) -> dict[str, str]:
    """The store that makes the table and the chosen account load again."""
    return {"what": what, "at": utc_now().isoformat()}


def unknown(_id: int) -> None:
    raise Refused("That is nothing this desk can do. Reload the page.")


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
