"""Faults that can be ordered from the demo exchange, so that drills meet what real exchanges do.

Order one with `POST /__control` and JSON `{"fault": NAME, "match": REGEX, "count": N, …}`; `{"fault": null}` ends all.
`match` is searched in path and query, `count` is how many requests it strikes (without it: all). Faults, fields:

  latency {seconds}     answers late                    hang {seconds}   accepts and says nothing
  reset                 the connection is torn down     status {code, retry_after}   429, 418, 5xx, 451, 403, …
  truncated             half of the promised bytes      malformed        JSON that stops in the middle, as if whole
  html                  200 and a web page              empty            200 and no body
  gap {every}           candles are missing             duplicate {every}  candles come twice
  nan {every}           a high is NaN                   negative {every} a low is below zero
  spike {every, factor} a high far outside              unsorted         newest candle first
  no_candles            an empty list                   skew {seconds}   the exchange's clock is wrong

Of streams, where `match` is searched in the address of the connection and the stream's name, and a strike is a message:

  drop                  the connection is closed        silent           it stays open, and nothing comes
  refuse                503 instead of a connection; `match` is searched in the address, a strike is an attempt
  garbage {kind}        a web page, numbers that are none, half a message; without `kind` (0 to 3) one after the other
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Row = list[Any]

BODY_FAULTS = ("hang", "reset", "status", "truncated", "malformed", "html", "empty")
ROW_FAULTS = ("gap", "duplicate", "nan", "negative", "spike", "unsorted", "no_candles")
STREAM_FAULTS = ("drop", "silent", "garbage")
FAULTS = ("latency", "skew", "refuse", *BODY_FAULTS, *ROW_FAULTS, *STREAM_FAULTS)


@dataclass(slots=True)
class Fault:
    """One order. `left` is how many requests it still strikes; None is all of them."""

    name: str
    match: re.Pattern[str]
    left: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    def number(self, name: str, default: float) -> float:
        return float(self.fields.get(name, default))


class Faults:
    """What is ordered at present."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []

    def order(self, wish: dict[str, Any]) -> None:
        """Add one fault, or end all for a null one; raises ValueError naming what is wrong."""
        name = wish.get("fault")
        if name is None:
            self.orders.clear()
            return
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}; choose one of {', '.join(FAULTS)}")
        fields = {k: v for k, v in wish.items() if k not in ("fault", "match", "count")}
        count = wish.get("count")
        try:
            match = re.compile(str(wish.get("match", "")))
        except re.error as error:
            raise ValueError(f"match is no regular expression: {error}") from error
        self.orders.append(Fault(name, match, None if count is None else int(count), fields))

    def strike(self, target: str, *names: str) -> Fault | None:
        """The first ordered fault among `names` that concerns `target`; counts it as having struck."""
        for fault in self.orders:
            if fault.name in names and fault.left != 0 and fault.match.search(target):
                fault.hits += 1
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None

    def spoil(self, target: str, rows: list[Row]) -> list[Row]:
        """Klines as the ordered data faults leave them."""
        for name in ROW_FAULTS:
            if fault := self.strike(target, name):
                rows = SPOIL[name](fault, rows)
        return rows


def _each(fault: Fault, rows: list[Row], default: int) -> range:
    every = max(1, int(fault.number("every", default)))
    return range(every - 1, len(rows), every)


def _gap(fault: Fault, rows: list[Row]) -> list[Row]:
    struck = set(_each(fault, rows, 7))
    return [row for k, row in enumerate(rows) if k not in struck]


def _duplicate(fault: Fault, rows: list[Row]) -> list[Row]:
    struck = set(_each(fault, rows, 5))
    return [copy for k, row in enumerate(rows) for copy in ([row, row] if k in struck else [row])]


def _replace(column: int, default: int, value: Callable[[Fault, str], Any]) -> Callable[[Fault, list[Row]], list[Row]]:
    def spoil(fault: Fault, rows: list[Row]) -> list[Row]:
        struck = set(_each(fault, rows, default))
        return [
            [*row[:column], value(fault, row[column]), *row[column + 1 :]] if k in struck else row
            for k, row in enumerate(rows)
        ]

    return spoil


SPOIL: dict[str, Callable[[Fault, list[Row]], list[Row]]] = {
    "gap": _gap,
    "duplicate": _duplicate,
    "nan": _replace(2, 9, lambda _, __: "NaN"),
    "negative": _replace(3, 9, lambda _, __: "-1.00000000"),
    "spike": _replace(2, 50, lambda fault, high: f"{float(high) * fault.number('factor', 10):.8f}"),
    "unsorted": lambda _, rows: rows[::-1],
    "no_candles": lambda _, __: [],
}
