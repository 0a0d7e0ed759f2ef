"""What a horizon would have to earn: barriers and break-even hit rates, shown before a training starts."""

from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.tables import Column, Row, table

COLUMNS = [
    Column("Horizon"),
    Column("Barriers at", number=True, hint="Typical distance of a barrier from the entry, on the newest candles."),
    Column("Right to break even", number=True, hint="Share of right calls that pays the costs: 1/2 + c / (2 b)."),
]


@dataclass(frozen=True, slots=True)
class Line:
    """One horizon in bars; `barrier`, `break_even` as fractions. `worth`: the barrier lies 3 times the costs away."""

    horizon: int
    barrier: float
    break_even: float
    worth: bool
    chosen: bool


def draw(lines: list[Line], *, market: str, cost: float) -> list[Component]:
    """A sentence on the chosen horizon, and a table of the others; nothing where nothing is known."""
    chosen = next((line for line in lines if line.chosen), None)
    if chosen is None:
        return []
    rows = [
        Row(
            [f"{line.horizon} bars", numbers.percent(line.barrier, 2), rate(line.break_even)],
            words="sel" if line.chosen else "",
        )
        for line in lines
    ]
    return [
        html.P(_sentence(chosen, market, cost), className="fs12", role="status"),
        table(COLUMNS, rows, label="What a horizon has to earn", dense=True, words="steady"),
    ]


def rate(break_even: float) -> str:
    return numbers.percent(break_even) if break_even < 1 else "never"


def _sentence(line: Line, market: str, cost: float) -> str:
    start = f"{market}, {line.horizon} bars ahead: at costs of {numbers.percent(cost, 2)} a round trip "
    if line.break_even >= 1:
        return f"{start}no share of right calls pays. Choose a longer horizon, or trade more cheaply."
    told = f"{start}a call has to be right {numbers.percent(line.break_even)} of the time to pay."
    if not line.worth:
        return f"{told} The barriers lie nearer than three times the costs, which is refused: choose a longer horizon."
    return f"{told} Honest models reach 51 to 54%."
