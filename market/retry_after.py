"""Until when a server wants to be left alone, by its status and its Retry-After header."""

import re
from email.utils import parsedate_to_datetime

from core.clock import to_ms

SLOW_DOWN = {429: 60.0, 418: 300.0}  # seconds to wait where Retry-After is missing
USUAL_S, LONGEST_S = 60.0, 7 * 86_400.0


def until_ms(status: int, header: str, now_ms: int) -> int:
    """Milliseconds UTC. `header` holds seconds or an HTTP date; at least a second and at most a week is waited."""
    seconds = SLOW_DOWN.get(status, USUAL_S)
    if re.fullmatch(r"\d+(\.\d+)?", header):
        seconds = float(header)
    elif (at := http_date(header)) is not None:
        seconds = (at - now_ms) / 1_000
    return now_ms + int(min(max(seconds, 1.0), LONGEST_S) * 1_000)


def http_date(text: str) -> int | None:
    """Milliseconds UTC of an HTTP date, None for anything else."""
    try:
        return to_ms(parsedate_to_datetime(text))
    except (ValueError, TypeError):
        return None
