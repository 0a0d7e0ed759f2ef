"""The parts that draw predictions. Nothing else does; each says in words what it draws.

Order is always bearish, neutral, bullish. Shares are floats from 0 to 1; an abstaining call is `None`.
"""

from dash import html

from layouts.components.icons import icon
from layouts.components.numbers import fixed, whole_percents

CLASSES = ("bearish", "neutral", "bullish")
WORDS = {"bearish": "Bearish", "neutral": "Neutral", "bullish": "Bullish"}
ARROWS = {"bearish": ("d", "arrow-down"), "neutral": ("f", "dash-lg"), "bullish": ("u", "arrow-up")}
PARTS = ("d", "f", "u")  # classes of the three parts of a bar
EVIDENCE = ("No demonstrated skill", "Weak", "Moderate", "Strong", "Very strong")
ENOUGH = 100  # settled calls below which no rate is shown

Shares = tuple[float, float, float]


def call(said: str | None) -> html.Span:
    """An arrow and the word; None abstains."""
    if said is None:
        return html.Span([icon("slash-circle"), "Abstains"], className="call a")
    kind, arrow = ARROWS[said]
    return html.Span([icon(arrow), WORDS[said]], className=f"call {kind}")


def leading(shares: Shares) -> int:
    """Which of the three is largest; the first of equals."""
    return max(range(3), key=lambda k: shares[k])


def described(shares: Shares, base_rates: Shares | None = None) -> str:
    """The bar in words."""
    said = ", ".join(f"{name} {share}%" for name, share in zip(CLASSES, whole_percents(list(shares)), strict=True))
    if base_rates is None:
        return said.capitalize()
    usual = ", ".join(f"{share}%" for share in whole_percents(list(base_rates)))
    return f"{said.capitalize()}; base rates {usual}"


def probability_bar(
    shares: Shares, *, base_rates: Shares | None = None, abstains: bool = False, numbers: bool = True
) -> html.Div:
    """The bar for a table row, with its three figures."""
    top = leading(shares)
    parts = [_bar(shares, base_rates, top)]
    if numbers:
        figures = [
            html.Span(str(share), className="is-top" if k == top else "")
            for k, share in enumerate(whole_percents(list(shares)))
        ]
        parts.append(html.Div(figures, className="prob-nums"))
    return html.Div(
        parts,
        className="prob abst" if abstains else "prob",
        role="img",
        **{"aria-label": described(shares, base_rates)},
    )


def probability_panel(shares: Shares, *, base_rates: Shares | None = None, abstains: bool = False) -> html.Div:
    """The three figures in large over a thick bar, for a rail; none of them leads where the model abstains."""
    top, percents = -1 if abstains else leading(shares), whole_percents(list(shares))
    figures = [
        html.Div(
            [html.Span(WORDS[name], className="label"), html.B(f"{percents[k]}%")], className="is-top" * (k == top)
        )
        for k, name in enumerate(CLASSES)
    ]
    bar = html.Div(
        _bar(shares, base_rates, top), className="prob big", role="img", **{"aria-label": described(shares, base_rates)}
    )
    return html.Div([html.Div(figures, className="prob3"), bar])


def _bar(shares: Shares, base_rates: Shares | None, top: int) -> html.Div:
    parts: list[html.I | html.B] = [
        html.I(className=f"{PARTS[k]} is-top" if k == top else PARTS[k], style={"flex": f"{share * 100:.2f}"})
        for k, share in enumerate(shares)
    ]
    if base_rates is not None:
        notches = (base_rates[0], base_rates[0] + base_rates[1])
        parts += [html.B(style={"left": f"{notch * 100:.1f}%"}) for notch in notches]
    return html.Div(parts, className="prob-bar")


def evidence(level: int | None, *, settled: int) -> html.Span:
    """Four cells. `level` 0 to 4; too few settled calls show how many there are instead."""
    if level is None or settled < ENOUGH:
        return _evidence(0, f"{settled} of {ENOUGH} calls", "few")
    return _evidence(level, EVIDENCE[level], "none" if level == 0 else "")


def _evidence(level: int, text: str, kind: str) -> html.Span:
    cells = [html.I(className="on" if k < level else "") for k in range(4)]
    return html.Span(
        [html.Span(cells, className="m", **{"aria-hidden": "true"}), text], className=f"evid {kind}".strip()
    )


def interval_plot(
    point: float, low: float, high: float, *, baseline: float | None, span: tuple[float, float] = (0.0, 1.0)
) -> html.Span:
    """A rate with its interval and the best baseline as an upright bar; accent only where all of it is above that.

    `span` is what the axis covers; keep it the same for every row of a table.
    """
    skill = baseline is not None and low > baseline
    left, right = _at(low, span), _at(high, span)
    parts = [
        html.I(className="ax"),
        html.I(className="iv", style={"left": f"{left:.1f}%", "width": f"{right - left:.1f}%"}),
    ]
    if baseline is not None:
        parts.append(html.I(className="bl", style={"left": f"{_at(baseline, span):.1f}%"}))
    parts.append(html.I(className="pt", style={"left": f"{_at(point, span):.1f}%"}))
    words = f"{fixed(point * 100, 1)}%, 95% interval {fixed(low * 100, 1)} to {fixed(high * 100, 1)}"
    if baseline is not None:
        words += f", best baseline {fixed(baseline * 100, 1)}%"
    return html.Span(parts, className="ivp skill" if skill else "ivp", role="img", **{"aria-label": words})


def _at(share: float, span: tuple[float, float]) -> float:
    low, high = span
    return min(100.0, max(0.0, (share - low) / (high - low) * 100))
