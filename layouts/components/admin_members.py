"""Accounts on the admin desk: the chosen one with what can be done, and invitations."""

from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components.feedback import pane
from layouts.components.forms import button, field, segments

ROLES = ("viewer", "analyst", "admin")
OUT: dict[str, Any] = {"kind": "outline-danger", "small": True}  # buttons that take something away


@dataclass(frozen=True, slots=True)
class Chosen:
    """The account whose row was chosen. `why` says why nothing can be changed, empty where it can."""

    id: int
    email: str
    name: str
    role: str
    disabled: bool
    has_codes: bool
    why: str


def panel(chosen: Chosen | None) -> Component | None:
    """Role, sessions, reset link, disabling; for the owner and oneself the reason why not."""
    if chosen is None:
        return None
    what = [html.B(chosen.email, className="t1"), html.P(chosen.name, className="fs12 t3")]
    if chosen.why:
        acts: list[Component | None] = [html.P(chosen.why, className="fs12 t3")]
    else:
        acts = [
            segments(
                {"type": ids.Admin.USER_ROLE, "index": str(chosen.id)},
                [(role.capitalize(), role) for role in ROLES if role in (*ROLES[:2], chosen.role)],
                chosen.role,
                label=f"Role of {chosen.email}",
            ),
            None if chosen.role == "admin" else _act("admin", chosen, "Make admin"),
            _act("link", chosen, "Make reset link"),
            _act("codes", chosen, "Turn off codes") if chosen.has_codes else None,
            _act("end", chosen, "End sessions"),
            _act("enable", chosen, "Enable") if chosen.disabled else _act("disable", chosen, "Disable", danger=True),
        ]
    place = html.Div(id=ids.Admin.USER_LINK, className="shown-once")
    return html.Div([html.Div(what, className="what"), html.Div(acts, className="acts"), place], className="chosen")


def session_panel(number: int, email: str, device: str, ip: str) -> Component:
    """The chosen session."""
    end = {"type": ids.Admin.SESSION_END, "index": str(number)}
    return _small(email, f"{device or 'Device not told'}, from {ip}", button("End session", id=end, **OUT))


def invitation_panel(number: int, email: str, facts: str, *, is_open: bool) -> Component:
    """The chosen invitation, with the way to make it worthless while it is open."""
    withdraw = {"type": ids.Admin.WITHDRAW, "index": str(number)}
    act = button("Withdraw invitation", id=withdraw, **OUT) if is_open else None
    return _small(email or "Anybody with the link", facts, act)


def _small(title: str, facts: str, act: Component | None) -> Component:
    what = [html.B(title, className="t1"), html.P(facts, className="fs12 t3")]
    return html.Div([html.Div(what, className="what"), html.Div(act, className="acts")], className="chosen")


def _act(word: str, chosen: Chosen, words: str, *, danger: bool = False) -> Component:
    kind: Any = "outline-danger" if danger else "secondary"
    return button(words, id={"type": ids.Admin.USER_ACT, "index": f"{word}/{chosen.id}"}, kind=kind, small=True)


def shown_once(sentence: str, link: str) -> list[Component]:
    """A link that is stored nowhere: now or never."""
    copy = dcc.Clipboard(content=link, title="Copy the link", className="btn btn-secondary btn-sm")
    return [html.Span(sentence, className="fs12 t2"), html.Code(link), copy]


def invite_pane(registration: str) -> Component:
    """The form, or why nobody could use an invitation."""
    if registration == "closed":
        words = "Nobody can use an invitation: REGISTRATION is closed. Set it to invite under Settings."
        return pane("Invite somebody", html.P(words, className="t3 fs12"), label="Invite somebody")
    role = dcc.Dropdown(
        id=ids.Admin.INVITE_ROLE,
        options={role: role.capitalize() for role in ROLES},
        value="viewer",
        clearable=False,
        searchable=False,
    )
    email = dcc.Input(id=ids.Admin.INVITE_EMAIL, type="email", placeholder="Anybody with the link", autoComplete="off")
    make = button("Make invitation", id=ids.Admin.INVITE, icon_name="plus-lg")
    fields = html.Div([field("Role", role), field("E-mail, optional", email), make], className="invite-fields")
    place = html.Div(id=ids.Admin.INVITE_LINK, className="shown-once", role="status")
    sub = "A link that makes one account; it works for seven days"
    return pane("Invite somebody", [fields, place], sub=sub, label="Invite somebody")
