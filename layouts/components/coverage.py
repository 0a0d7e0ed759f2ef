"""What is stored of a series, as a bar: covered from the first candle to the last, holes left open."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from layouts.components.numbers import count, fixed

MOST = 60  # holes drawn, the longest ones
LEAST = 0.6  # per cent: a narrower hole could not be seen


def complete(rows: int, missing: int) -> str:
    """`100%` only where nothing is missing; `99.9%` at most otherwise."""
    if not missing:
        return "100%"
    share = min(99.9, 100 * rows / (rows + missing))
    return fixed(share, 1) + "%"


def coverage_bar(
    first_ms: int, end_ms: int, holes: Sequence[tuple[int, int]], *, rows: int, missing: int, words: str
) -> Component:
    """`holes` are (from, to) in ms; `words` say from when to when. Places stand in per cent of the whole span."""
    whole = max(1, end_ms - first_ms)
    longest = sorted(holes, key=lambda hole: hole[0] - hole[1])[:MOST]
    marks = [
        html.I(style={"left": f"{_at(start - first_ms, whole)}%", "width": f"{max(LEAST, _at(end - start, whole))}%"})
        for start, end in sorted(longest)
    ]
    told = f"{words}, {complete(rows, missing)} complete, {count(missing)} missing"
    return html.Div(marks, className="cover", role="img", title=told, **{"aria-label": told})


def _at(part: int, whole: int) -> float:
    return round(min(100.0, max(0.0, 100 * part / whole)), 2)
