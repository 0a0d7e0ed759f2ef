"""In words: how a stored candle came, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from layouts.components.numbers import exact_moment

NOT_NOTED = "not noted: it was stored before Bolt wrote down how candles come"
AT_ONCE = timedelta(seconds=2)  # a row written so quickly is one moment
WAYS = {
    "import": "the file {detail}, which somebody imported",
    "history": "{venue}, asked for its history",
    "top_up": "{venue}, asked once the candle had closed",
    "stream": "{venue}, by its stream as the candle closed",
    "repair": "{venue}, asked again for a hole",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a candle came: `source` as stored, `detail` a file's name, stored in [`stored_at`, `stored_until`].

    `answered_at` is when the exchange told it, None for files; `scattered`: it may be of another source in between.
    """

    source: str
    detail: str
    answered_at: datetime | None
    stored_at: datetime
    stored_until: datetime
    scattered: bool = False


def from_words(venue: str, came: Delivery) -> str:
    """`Binance, by its stream as the candle closed`."""
    words = WAYS[came.source].format(venue=venue, detail=came.detail)
    return f"most likely {words}" if came.scattered else words


def stored_words(came: Delivery) -> str:
    """One moment, or the first and the last of a run that was stored candle by candle."""
    first, last = exact_moment(came.stored_at), exact_moment(came.stored_until)
    if came.stored_until - came.stored_at < AT_ONCE:
        return first
    return f"between {first} and {last}"


def answered_words(came: Delivery) -> str | None:
    """When the exchange answered; of a run, when it answered last. None for files."""
    if came.answered_at is None:
        return None
    lone = came.stored_until - came.stored_at < AT_ONCE
    return exact_moment(came.answered_at) if lone else f"last at {exact_moment(came.answered_at)}"
