"""What runs when. A slot is a moment on a fixed grid in UTC; of slots that were missed only the newest runs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.clock import EPOCH
from core.jobs import (
    BUILD_PYRAMID,
    MEND_HISTORY,
    PREDICT_DUE,
    PROBE_EXCHANGES,
    READ_COINS,
    READ_LISTINGS,
    SEND_MAILS,
    SETTLE_DUE,
    SWITCH_SOURCES,
    TOP_UP,
    WATCH_MODELS,
    JobKind,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Run `kind` every `every` seconds, `offset` seconds after the grid line."""

    kind: JobKind
    every: int
    offset: int = 0
    args: dict[str, Any] = field(default_factory=dict)

    def slot(self, now: datetime) -> datetime:
        """The newest slot that has come at `now`."""
        seconds = int((now - EPOCH).total_seconds()) - self.offset
        return EPOCH + timedelta(seconds=seconds - seconds % self.every + self.offset)

    def dedupe(self, slot: datetime) -> str:
        """The same name for the same slot, whoever enqueues it."""
        return f"{self.kind.name}@{slot:%Y-%m-%dT%H:%M:%SZ}"


# Candles close on the minute: fetch them first, then call on them, then settle what they decided.
ENTRIES = (
    Entry(PROBE_EXCHANGES, every=300),
    Entry(TOP_UP, every=60, offset=2),
    Entry(MEND_HISTORY, every=15, offset=9),
    Entry(SWITCH_SOURCES, every=30, offset=25),
    Entry(READ_LISTINGS, every=120, offset=45),
    Entry(READ_COINS, every=600, offset=35),
    Entry(BUILD_PYRAMID, every=3_600, offset=40),
    Entry(PREDICT_DUE, every=60, offset=7),
    Entry(SETTLE_DUE, every=60, offset=12),
    Entry(WATCH_MODELS, every=900, offset=50),
    Entry(SEND_MAILS, every=60, offset=20),
)
AT_START = (PROBE_EXCHANGES, BUILD_PYRAMID)  # also once when the first scheduler starts, whatever the clock says
