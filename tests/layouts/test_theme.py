"""The plain values of the tokens, and the Plotly templates."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from layouts import theme

TOKENS = Path(__file__).resolve().parents[2] / "assets" / "01-tokens.css"


def tokens(selector: str) -> dict[str, str]:
    """Every `--name: #hex` or number of one block of the file."""
    text = re.sub(r"/\*.*?\*/", "", TOKENS.read_text(encoding="utf-8"), flags=re.DOTALL)
    block = re.search(re.escape(selector) + r"\s*\{(.*?)\n\}", text, re.DOTALL)
    assert block, f"no block {selector} in the tokens"
    return {
        name.replace("-", "_"): value for name, value in re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6}|\.\d+);", block[1])
    }


@pytest.mark.parametrize(("dark", "selector"), [(True, '[data-bs-theme="dark"]'), (False, '[data-bs-theme="light"]')])
def test_palettes_equal_the_tokens(dark: bool, selector: str) -> None:
    written = tokens(selector)
    for name, value in asdict(theme.palette(dark)).items():
        assert str(value).lstrip("0") == written[name], f"--{name.replace('_', '-')} differs in {selector}"


@pytest.mark.parametrize("updown", ["blue-orange", "green-red"])
@pytest.mark.parametrize("dark", [True, False])
def test_pairs_of_colours_equal_the_tokens(updown: str, dark: bool) -> None:
    selector = f'[data-updown="{updown}"]' if dark else f'[data-bs-theme="light"][data-updown="{updown}"]'
    written, chosen = tokens(selector), theme.palette(dark, updown)
    for name in ("up", "up_fill", "down", "down_fill"):
        assert getattr(chosen, name) == written[name]


def test_chart_theme_holds_the_overlays_in_order() -> None:
    named = theme.chart_theme(dark=False)
    assert named["overlays"][0] == named["overlay_1"] == "#3a51c4"
    assert len(named["overlays"]) == 8


@pytest.mark.parametrize("dark", [True, False])
def test_template_follows_the_visual_language(dark: bool) -> None:
    layout = theme.template(dark).layout
    assert layout.showlegend is False
    assert layout.yaxis.side == "right"
    assert layout.xaxis.gridcolor == theme.palette(dark).chart_grid
    assert layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_look_of_a_store_is_read_with_care() -> None:
    assert theme.read_look(None) == (True, "teal-vermillion")
    assert theme.read_look({"theme": "light", "updown": "green-red"}) == (False, "green-red")
    assert theme.read_look({"theme": "pink", "updown": ["x"]}) == (True, "teal-vermillion")
    assert theme.read_look(["light"]) == (True, "teal-vermillion")


def test_colours_get_an_opacity() -> None:
    assert theme.rgba("#22a8a1", 0.3) == "rgba(34, 168, 161, 0.3)"
