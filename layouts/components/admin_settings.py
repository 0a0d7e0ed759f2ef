"""Settings an admin may change while Bolt runs."""

from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from layouts import ids
from layouts.components.feedback import badge, pane
from layouts.components.forms import button

SUB = "What is chosen here wins over the environment, at once and in every process"


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting as it holds now. `environment` is what holds without a choice here; `choices` empty for a number."""

    name: str
    about: str
    value: str
    environment: str
    chosen: bool
    choices: tuple[tuple[str, str], ...] = ()


def settings_pane(knobs: list[Knob]) -> Component:
    return pane("Settings", html.Div([_row(knob) for knob in knobs], className="knobs"), sub=SUB, flush=True)


def _row(knob: Knob) -> Component:
    place = {"type": ids.Admin.SETTING, "index": knob.name}
    label = f"Value of {knob.name}"
    if knob.choices:
        options = [{"label": words, "value": value} for value, words in knob.choices]
        entry: Component = dcc.Dropdown(id=place, options=options, value=knob.value, clearable=False, searchable=False)
    else:
        entry = dcc.Input(id=place, value=knob.value, type="text", inputMode="numeric", autoComplete="off")
    words = [html.Code(knob.name), badge("Chosen here", "acc") if knob.chosen else None]
    acts = [
        button("Save", id={"type": ids.Admin.SETTING_ACT, "index": f"save/{knob.name}"}, kind="secondary", small=True),
        button(
            f"Back to {knob.environment}",
            id={"type": ids.Admin.SETTING_ACT, "index": f"reset/{knob.name}"},
            kind="ghost",
            small=True,
        )
        if knob.chosen
        else None,
    ]
    told = html.Div([html.Div(words, className="knob-name"), html.P(knob.about, className="t3 fs12")])
    return html.Div(
        [told, html.Div(entry, className="knob-entry", **{"aria-label": label}), html.Div(acts, className="acts")],
        className="knob",
    )
