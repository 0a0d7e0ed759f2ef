"""The tokens of `assets/01-tokens.css` that charts need as plain values, and the Plotly templates made of them.

Neither Plotly nor Lightweight Charts reads CSS variables; a test keeps these equal to the file.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go

from core import locales

THEMES = ("dark", "light")
UPDOWNS = ("teal-vermillion", "blue-orange", "green-red")
SANS = "IBM Plex Sans Variable, IBM Plex Sans, system-ui, sans-serif"
CONFIG = {"displayModeBar": False, "scrollZoom": True, "responsive": True}


@dataclass(frozen=True, slots=True)
class Palette:
    """Hex values of one theme; field `surface_1` is the token `--surface-1`, and so on."""

    surface_0: str
    surface_1: str
    surface_2: str
    surface_3: str
    border_hair: str
    border_line: str
    text_1: str
    text_2: str
    text_3: str
    text_4: str
    text_inverse: str
    accent: str
    up: str
    up_fill: str
    down: str
    down_fill: str
    flat: str
    flat_fill: str
    warning: str
    danger: str
    ok: str
    sim: str
    skill: str
    no_skill: str
    chart_grid: str
    chart_axis: str
    chart_cross: str
    chart_volume_opacity: float
    overlay_1: str
    overlay_2: str
    overlay_3: str
    overlay_4: str
    overlay_5: str
    overlay_6: str
    overlay_7: str
    overlay_8: str

    @property
    def overlays(self) -> tuple[str, ...]:
        """Line colours of indicators, in order."""
        return tuple(getattr(self, f"overlay_{n}") for n in range(1, 9))


DARK = Palette(
    surface_0="#0c0f12",
    surface_1="#12161a",
    surface_2="#1a1f24",
    surface_3="#242b31",
    border_hair="#20272d",
    border_line="#2d353c",
    text_1="#eef2f4",
    text_2="#c6ced4",
    text_3="#a3aeb7",
    text_4="#8f9aa4",
    text_inverse="#0c0f12",
    accent="#93a9ff",
    up="#34c3bb",
    up_fill="#22a8a1",
    down="#ff8a5c",
    down_fill="#e8683a",
    flat="#a3aeb7",
    flat_fill="#68747e",
    warning="#e6b94a",
    danger="#ff7a90",
    ok="#8fc7a3",
    sim="#cfa8f7",
    skill="#93a9ff",
    no_skill="#7d8891",
    chart_grid="#1e252a",
    chart_axis="#a3aeb7",
    chart_cross="#8f9aa4",
    chart_volume_opacity=0.34,
    overlay_1="#93a9ff",
    overlay_2="#e6b94a",
    overlay_3="#d9b9fb",
    overlay_4="#2f9fd6",
    overlay_5="#e8719f",
    overlay_6="#9dbb4c",
    overlay_7="#b98b61",
    overlay_8="#e3e9ed",
)

LIGHT = Palette(
    surface_0="#eef1f3",
    surface_1="#ffffff",
    surface_2="#f4f6f7",
    surface_3="#e6eaed",
    border_hair="#e1e6e9",
    border_line="#cfd6db",
    text_1="#12181c",
    text_2="#333d45",
    text_3="#4d5963",
    text_4="#5b6771",
    text_inverse="#ffffff",
    accent="#3a51c4",
    up="#046e6b",
    up_fill="#0f908c",
    down="#b03c0d",
    down_fill="#dc5a24",
    flat="#4d5963",
    flat_fill="#7e8a94",
    warning="#7d5800",
    danger="#b21f3c",
    ok="#2c6b45",
    sim="#7338ad",
    skill="#3a51c4",
    no_skill="#6f7b85",
    chart_grid="#eaeef0",
    chart_axis="#4d5963",
    chart_cross="#5b6771",
    chart_volume_opacity=0.38,
    overlay_1="#3a51c4",
    overlay_2="#a87400",
    overlay_3="#9a4fd6",
    overlay_4="#0e86b8",
    overlay_5="#c2306f",
    overlay_6="#4a6a06",
    overlay_7="#7a4a22",
    overlay_8="#2c363d",
)

PAIRS: dict[tuple[str, str], dict[str, str]] = {
    ("blue-orange", "dark"): {"up": "#5cb3f5", "up_fill": "#3a92d8", "down": "#f2a24b", "down_fill": "#d9822b"},
    ("blue-orange", "light"): {"up": "#0b62a8", "up_fill": "#2a83c9", "down": "#944f00", "down_fill": "#c9741a"},
    ("green-red", "dark"): {"up": "#4cc38a", "up_fill": "#34a870", "down": "#ff8080", "down_fill": "#e05252"},
    ("green-red", "light"): {"up": "#0f7044", "up_fill": "#2a9262", "down": "#b4282d", "down_fill": "#d84a4a"},
}


@lru_cache
def palette(dark: bool = True, updown: str = UPDOWNS[0]) -> Palette:
    """The hex values of a theme with a pair of up and down colours."""
    base = DARK if dark else LIGHT
    return replace(base, **PAIRS.get((updown, "dark" if dark else "light"), {}))  # type: ignore[arg-type]


def chart_theme(dark: bool = True, updown: str = UPDOWNS[0]) -> dict[str, Any]:
    """The same as a dict of named values, for Lightweight Charts; `overlays` lists the line colours in order."""
    chosen = palette(dark, updown)
    return {**asdict(chosen), "overlays": list(chosen.overlays), "font": SANS}


def rgba(colour: str, alpha: float) -> str:
    """`#rrggbb` with an opacity from 0 to 1."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha:g})"


def read_look(look: dict[str, Any] | None) -> tuple[bool, str]:
    """(dark, updown) of what the store `ids.Shell.LOOK` holds."""
    look = look if isinstance(look, dict) else {}
    updown = look.get("updown")
    return look.get("theme") != "light", updown if updown in UPDOWNS else UPDOWNS[0]


def _template(colours: Palette, separators: str) -> go.layout.Template:
    axis = {"gridcolor": colours.chart_grid, "zeroline": False, "showline": False, "ticks": ""}
    spikes = {
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikedash": "dot",
        "spikecolor": colours.chart_cross,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "showlegend": False,
            "font": {"family": SANS, "size": 11, "color": colours.chart_axis},
            "margin": {"l": 14, "r": 68, "t": 8, "b": 24},
            "hovermode": "x",
            "dragmode": "pan",
            "separators": separators,
            "hoverdistance": -1,
            "spikedistance": -1,
            "bargap": 0.35,
            "colorway": list(colours.overlays),
            "hoverlabel": {
                "bgcolor": colours.surface_0,
                "bordercolor": colours.border_line,
                "font": {"family": SANS, "size": 11, "color": colours.text_1},
            },
            "xaxis": axis | spikes,
            "yaxis": axis | {"side": "right"},
        }
    )


@lru_cache
def bolt_dark(updown: str = UPDOWNS[0], separators: str = ".,") -> go.layout.Template:
    return _template(palette(True, updown), separators)


@lru_cache
def bolt_light(updown: str = UPDOWNS[0], separators: str = ".,") -> go.layout.Template:
    return _template(palette(False, updown), separators)


def template(dark: bool = True, updown: str = UPDOWNS[0]) -> go.layout.Template:
    """The Plotly template of a theme, with the signs of numbers that the person wants."""
    locale = locales.current()
    return (bolt_dark if dark else bolt_light)(updown, locale.decimal + locale.group)
