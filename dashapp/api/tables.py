"""Candles as tables: CSV for spreadsheets, Arrow for data frames, where `Accept` prefers one of them to JSON."""

import csv
import io
from collections.abc import Callable

import numpy as np
from flask import request

from core.clock import from_ms
from core.ohlcv import Candles
from dashapp.api.route import ARROW, CSV, Reply

COLUMNS = ["time", "open", "high", "low", "close", "volume"]


def instead(reply: Reply, bars: Candles) -> Reply:
    """The reply itself, or `bars` newest first as the table that was asked for, with the reply's headers."""
    wanted = request.accept_mimetypes.best_match(["application/json", *WRITERS])
    if wanted not in WRITERS:
        return reply
    return Reply(headers=reply.headers, text=WRITERS[wanted](bars), media_type=wanted)


def as_csv(bars: Candles) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    columns = [column[::-1].tolist() for column in bars.columns()]
    lines.writerows((f"{from_ms(ms):%Y-%m-%dT%H:%M:%SZ}", *rest) for ms, *rest in zip(*columns, strict=True))
    return text.getvalue()


def as_arrow(bars: Candles) -> bytes:
    """An Arrow IPC stream of one record batch. pyarrow is loaded at the first one: most desks never ask for it."""
    import pyarrow as pa

    time, *numbers = (np.ascontiguousarray(column[::-1]) for column in bars.columns())
    columns = [pa.array(time, pa.timestamp("ms", tz="UTC")), *(pa.array(column) for column in numbers)]
    batch = pa.record_batch(columns, names=COLUMNS)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


WRITERS: dict[str, Callable[[Candles], str | bytes]] = {CSV: as_csv, ARROW: as_arrow}
