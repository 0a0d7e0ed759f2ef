"""The parts that draw predictions."""

import pytest
from dash.development.base_component import Component

from layouts.components import probability as p


def parts(component: Component) -> list[Component]:
    return [component, *component._traverse()]


def classes(component: Component) -> list[str]:
    return [c.className for c in parts(component) if isinstance(c, Component) and getattr(c, "className", None)]


def label(component: Component) -> str:
    return component.to_plotly_json()["props"]["aria-label"]


@pytest.mark.parametrize(
    ("said", "kind", "word"),
    [
        ("bullish", "call u", "Bullish"),
        ("neutral", "call f", "Neutral"),
        ("bearish", "call d", "Bearish"),
        (None, "call a", "Abstains"),
    ],
)
def test_a_call_is_an_arrow_and_a_word(said: str | None, kind: str, word: str) -> None:
    drawn = p.call(said)
    assert drawn.className == kind
    assert drawn.children[1] == word


def test_bar_says_in_words_what_it_draws() -> None:
    drawn = p.probability_bar((0.33, 0.43, 0.24), base_rates=(0.28, 0.39, 0.33))
    assert label(drawn) == "Bearish 33%, neutral 43%, bullish 24%; base rates 28%, 39%, 33%"
    assert drawn.role == "img"


def test_bar_goes_from_bearish_to_bullish_and_marks_the_leading_part() -> None:
    bar, figures = p.probability_bar((0.33, 0.43, 0.24)).children
    assert [part.className for part in bar.children] == ["d", "f is-top", "u"]
    assert [(f.children, f.className) for f in figures.children] == [("33", ""), ("43", "is-top"), ("24", "")]


def test_notches_stand_at_the_base_rates() -> None:
    bar = p.probability_bar((0.2, 0.5, 0.3), base_rates=(0.28, 0.39, 0.33), numbers=False).children[0]
    assert [part.style["left"] for part in bar.children[3:]] == ["28.0%", "67.0%"]


def test_an_abstaining_bar_has_no_thick_part() -> None:
    assert p.probability_bar((0.35, 0.31, 0.34), abstains=True).className == "prob abst"


def test_panel_shows_three_figures_in_order() -> None:
    figures = p.probability_panel((0.1, 0.2, 0.7)).children[0].children
    assert [(f.children[0].children, f.children[1].children) for f in figures] == [
        ("Bearish", "10%"),
        ("Neutral", "20%"),
        ("Bullish", "70%"),
    ]
    assert [f.className for f in figures] == ["", "", "is-top"]
    assert "is-top" not in str(p.probability_panel((0.1, 0.2, 0.7), abstains=True))


@pytest.mark.parametrize(("level", "lit"), [(0, 0), (2, 2), (4, 4)])
def test_evidence_lights_one_cell_a_level(level: int, lit: int) -> None:
    drawn = p.evidence(level, settled=400)
    assert classes(drawn).count("on") == lit
    assert drawn.children[1] == p.EVIDENCE[level]


def test_few_settled_calls_show_their_count_instead_of_a_level() -> None:
    drawn = p.evidence(3, settled=38)
    assert drawn.children[1] == "38 of 100 calls"
    assert drawn.className == "evid few"
    assert classes(drawn).count("on") == 0


def test_interval_is_in_the_accent_only_when_all_of_it_beats_the_baseline() -> None:
    assert p.interval_plot(0.464, 0.41, 0.51, baseline=0.389).className == "ivp skill"
    assert p.interval_plot(0.392, 0.347, 0.439, baseline=0.394).className == "ivp"
    assert p.interval_plot(0.5, 0.4, 0.6, baseline=None).className == "ivp"


def test_interval_says_in_words_what_it_draws() -> None:
    drawn = p.interval_plot(0.392, 0.347, 0.439, baseline=0.394)
    assert label(drawn) == "39.2%, 95% interval 34.7 to 43.9, best baseline 39.4%"


def test_interval_stays_inside_its_axis() -> None:
    drawn = p.interval_plot(0.9, 0.1, 0.95, baseline=0.05, span=(0.2, 0.8)).children[1:]
    places = [float(part.style["left"].rstrip("%")) for part in drawn]
    assert min(places) >= 0
    assert max(places) <= 100
