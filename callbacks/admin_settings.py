"""Settings on the admin desk. Every callback here is for admins alone."""

from typing import Any

from dash import ALL, Input, Output, State, ctx
from dash.exceptions import PreventUpdate
from flask import current_app

import core.settings
import db.engine
from callbacks.guards import current_user_id, needs
from callbacks.toasts import say
from callbacks.trail import note
from callbacks.wiring import Wiring
from core.clock import utc_now
from core.errors import Refused
from core.roles import Role
from core.settings import Settings, at_the_desk, changed, variable
from db.queries import desk_settings
from layouts import ids
from layouts.components.admin_settings import Knob, settings_pane

wire = Wiring()
CHOICES = {
    "registration": (("closed", "Closed"), ("invite", "By invitation"), ("open", "Open to everybody")),
    "require_totp_for_admins": (("0", "No"), ("1", "Yes")),
}


@wire(Output(ids.Admin.SETTINGS, "children"), Input(ids.Admin.SETTINGS_CHANGED, "data"))
@needs(Role.ADMIN)
def draw(_changed: Any) -> Any:
    """Each setting with its value now and the one of the environment."""
    with db.engine.session() as session:
        chosen = desk_settings.chosen(session)
    return settings_pane([knob(name, about.replace("`", ""), chosen) for name, about in at_the_desk().items()])


def knob(name: str, about: str, chosen: dict[str, str]) -> Knob:
    base = as_text(getattr(environment(), name))
    shown = dict(CHOICES.get(name, ())).get(base, base)
    return Knob(variable(name), about, chosen.get(name, base), shown, name in chosen, CHOICES.get(name, ()))


def as_text(value: Any) -> str:
    """A value as it stands in the environment."""
    return str(int(value)) if isinstance(value, bool) else str(value)


def environment() -> Settings:
    found: Settings = current_app.extensions["bolt_overlay"].environment
    return found


@wire(
    Output(ids.Admin.SETTINGS_CHANGED, "data"),
    Input({"type": ids.Admin.SETTING_ACT, "index": ALL}, "n_clicks"),
    State({"type": ids.Admin.SETTING, "index": ALL}, "value"),
    State({"type": ids.Admin.SETTING, "index": ALL}, "id"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.ADMIN)
def act(_clicks: list[int | None], values: list[Any], places: list[dict[str, str]]) -> Any:
    """Keep a choice, or go back to the environment's value."""
    if not ctx.triggered_id or not any(one["value"] for one in ctx.triggered):
        raise PreventUpdate
    word, _, shown = str(ctx.triggered_id["index"]).partition("/")
    name = next((field for field in at_the_desk() if variable(field) == shown), None)
    if name is None or word not in {"save", "reset"}:
        raise Refused("That is no setting of this desk. Reload the page.")
    typed = {
        place["index"]: str(value if value is not None else "").strip()
        for place, value in zip(places, values, strict=True)
    }
    if word == "save":
        save(name, typed.get(shown, ""))
    else:
        reset(name)
    return {"at": utc_now().isoformat()}


def save(name: str, value: str) -> None:
    """Raises Refused for a value that will not do."""
    before = as_text(getattr(settings(), name))
    changed(environment(), {name: value})
    with db.engine.session() as session:
        desk_settings.choose(session, name, value, by=current_user_id(), now=utc_now())
        note(session, "setting_changed", variable(name), before=before, now=value)
    say(f"{variable(name)} is {value} now", "It holds within a second.")


def reset(name: str) -> None:
    with db.engine.session() as session:
        desk_settings.forget(session, name)
        note(session, "setting_reset", variable(name), now=as_text(getattr(environment(), name)))
    say(f"{variable(name)} is what the environment says", kind="plain")


def settings() -> core.settings.Settings:
    found: Settings = current_app.extensions["bolt_settings"]
    return found
