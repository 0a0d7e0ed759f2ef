"""A drawing on a chart as the browser sends it, read and held to limits."""

import math
import re
from dataclasses import dataclass
from typing import Any

from core.errors import Refused

# kind -> how many anchors it has
KINDS = {"trend": 2, "ray": 2, "level": 1, "moment": 1, "box": 2, "fib": 2, "note": 1}
COLOURS = 8
LONGEST_TEXT = 200
KEY = re.compile(r"[0-9a-f]{16,32}")
EARLIEST_MS, LATEST_MS = 0, 4_102_444_800_000  # 1970 to 2100


@dataclass(frozen=True, slots=True)
class Drawing:
    """`points` are anchors (ms UTC, price); `colour` is 1 … 8, a token --overlay-1 … --overlay-8."""

    key: str
    kind: str
    points: tuple[tuple[int, float], ...]
    colour: int
    text: str = ""

    def plain(self) -> dict[str, Any]:
        """As the browser has it."""
        points = [list(point) for point in self.points]
        return {"key": self.key, "kind": self.kind, "points": points, "colour": self.colour, "text": self.text}


def read(raw: Any) -> Drawing:
    """A drawing from plain JSON. Raises Refused where it is none."""
    raw = raw if isinstance(raw, dict) else {}
    kind, given, text = raw.get("kind"), raw.get("points"), raw.get("text") or ""
    if kind not in KINDS or not isinstance(given, list) or len(given) != KINDS[kind]:
        raise Refused("This is no drawing Bolt knows. Reload the page and draw it again.")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise Refused(f"A note on a chart has at most {LONGEST_TEXT} characters. Shorten it.")
    if kind == "note" and not text.strip():
        raise Refused("A note on a chart needs a text.")
    colour = raw.get("colour")
    if type(colour) is not int or not 1 <= colour <= COLOURS:
        raise Refused(f"A drawing has a colour from 1 to {COLOURS}.")
    return Drawing(read_key(raw.get("key")), kind, tuple(_point(point) for point in given), colour, text.strip())


def read_key(raw: Any) -> str:
    """The name the browser gave a drawing."""
    if not isinstance(raw, str) or not KEY.fullmatch(raw):
        raise Refused("This drawing has no name. Reload the page and draw it again.")
    return raw


def _point(raw: Any) -> tuple[int, float]:
    pair = raw if isinstance(raw, list) and len(raw) == 2 else [None, None]
    numbers = [value for value in pair if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 2 or not all(math.isfinite(value) for value in numbers):
        raise Refused("A drawing needs a time and a price for each of its ends.")
    time, price = numbers
    if not EARLIEST_MS <= time <= LATEST_MS or abs(price) > 1e15:
        raise Refused("A drawing must stay between 1970 and 2100, and its prices must be possible ones.")
    return round(time), float(price)
