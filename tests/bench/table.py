"""A row of the benchmark table: what was measured beside a peer in the same run, and the ratio that was aimed at."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

HEAD = ("#", "what", "peer", "Bolt", "ratio", "goal", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """`peer` and `bolt` in `unit`. `direction` tells what `goal` bounds.

    "faster": peer / bolt must be at least `goal` (times, bytes: less is better).
    "more":   bolt / peer must be at least `goal` (rates: more is better).
    "at most": bolt / peer must be at most `goal` (sizes and overheads).
    """

    number: str
    what: str
    peer_name: str
    peer: float
    bolt: float
    unit: str
    goal: float
    direction: Literal["faster", "more", "at most"] = "faster"

    @property
    def ratio(self) -> float:
        if self.direction == "faster":
            return self.peer / self.bolt
        return self.bolt / self.peer

    @property
    def met(self) -> bool:
        return self.ratio <= self.goal if self.direction == "at most" else self.ratio >= self.goal

    def cells(self) -> tuple[str, ...]:
        sign = "≤" if self.direction == "at most" else "≥"
        return (
            self.number,
            self.what,
            f"{self.peer_name} {number(self.peer)} {self.unit}",
            f"{number(self.bolt)} {self.unit}",
            f"{number(self.ratio)}×",
            f"{sign} {number(self.goal)}×",
            "yes" if self.met else "NO",
        )


def number(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def render(rows: Iterable[Row]) -> str:
    """An aligned Markdown table and a last line that says how many goals were missed."""
    rows = list(rows)
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    lines = ["| " + " | ".join(word.ljust(width) for word, width in zip(c, widths, strict=True)) + " |" for c in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    missed = [row.number for row in rows if not row.met]
    verdict = f"{len(rows) - len(missed)} of {len(rows)} goals met."
    return "\n".join([*lines, verdict + (f" Missed: {', '.join(dict.fromkeys(missed))}." if missed else "")])
