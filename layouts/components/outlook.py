"""What a horizon would have to earn: barriers and break-even hit rates, shown before a training starts."""

from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from layouts.components import numbers
from layouts.components.tables import Column, Row, table
from ml import outlook

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


def draw(lines: list[Line], *, market: str, cost: float, step_s: float) -> list[Component]:
    """A sentence on the chosen horizon, and a table of the others; nothing where nothing is known."""
    chosen = next((line for line in lines if line.chosen), None)
    if chosen is None:
        return []
    rows = [
        Row(
            [
                f"{line.horizon} bars, {numbers.duration(line.horizon * step_s)}",
                numbers.percent(line.barrier, 2),
                rate(line.break_even),
            ],
            words="sel" if line.chosen else "",
        )
        for line in lines
    ]
    return [
        html.P(_sentence(chosen, market, cost), className="fs12", role="status"),
        table(COLUMNS, rows, label="What a horizon has to earn", dense=True, words="steady"),
    ]


def rate(break_even: float) -> str:
    return numbers.percent(break_even, 1) if break_even < 1 else "never"


def _sentence(line: Line, market: str, cost: float) -> str:
    told = f"{market}, {line.horizon} bars ahead. {outlook.told(cost, line.barrier)}"
    return f"{told} Honest models reach 51 to 54%." if line.worth else f"{told} {outlook.TOO_NEAR}"
