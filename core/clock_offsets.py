"""By how much the clocks of servers differ from the one here: all processes note it, pages and metrics read it."""

import math

from core.shared import Numbers, SharedNumbers

KEY = "clock-offsets"  # {name: seconds the server is ahead of us, name + AT: when that was seen}
AT = "@"
WRONG_S = 60.0  # candles of the last minute are judged by a clock: one that is further off is worth a word
KNOWN_S = 3_600.0  # what was seen longer ago says nothing of now


def note(shared: SharedNumbers, name: str, offset_s: float) -> None:
    """The server `name` told a time that lies `offset_s` ahead of ours."""

    def step(numbers: Numbers, now: float) -> None:
        numbers[name], numbers[name + AT] = round(offset_s, 1), now

    if math.isfinite(offset_s):
        shared.change(KEY, step)


def read(shared: SharedNumbers) -> dict[str, float]:
    """{server: seconds it is ahead of us} of those that told their time lately."""

    def look(numbers: Numbers, now: float) -> dict[str, float]:
        return {
            name: offset
            for name, offset in numbers.items()
            if not name.endswith(AT) and now - numbers.get(name + AT, 0.0) < KNOWN_S
        }

    return shared.change(KEY, look)


def is_wrong(offset_s: float | None) -> bool:
    """True where one of the two clocks wants to be set."""
    return offset_s is not None and abs(offset_s) > WRONG_S


def words(offset_s: float) -> str:
    """`clock here 95 s behind`, of a server that is 95 s ahead of us."""
    return f"clock here {abs(offset_s):.0f} s {'behind' if offset_s > 0 else 'ahead'}"
