"""P16: an answer of about 218 kB, compressed on the fly as the application does it, beside gzip -6.

What is compressed is the answer of the application's own route through its own extension, less the same answer to a
client that takes no compression.
"""

import gzip
import json

from flask import Flask, Response

from dashapp.config import flask_config
from dashapp.extensions import compress
from tests.bench.table import Row
from tests.bench.timing import median_ms
from tests.candle_data import walk
from tests.web import settings_for

BARS = 3_500


def body() -> bytes:
    """Rows of candles as JSON."""
    candles = walk(BARS)
    rows = zip(*(column.tolist() for column in candles.columns()), strict=True)
    return json.dumps([list(row) for row in rows]).encode()


def run() -> list[Row]:
    text = body()
    app = Flask(__name__)
    app.config.update(flask_config(settings_for("postgresql://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1/0")))
    compress.init_app(app)
    app.add_url_rule("/rows", "rows", lambda: Response(text, content_type="application/json"))
    client = app.test_client()
    packed = client.get("/rows", headers={"Accept-Encoding": "gzip, br"})
    if packed.headers.get("Content-Encoding") != "br":
        raise AssertionError("the answer was not compressed with brotli")

    def ask(encoding: str) -> float:
        return median_ms(lambda: client.get("/rows", headers={"Accept-Encoding": encoding}), 41)

    took = max(ask("br, gzip") - ask("identity"), 1e-3)
    what = f"compress {len(text) / 1_000:.0f} kB on the fly"
    peer, size = median_ms(lambda: gzip.compress(text, 6), 21), len(gzip.compress(text, 6))
    return [
        Row("P16", f"{what}: time", "gzip -6", peer, took, "ms", 5),
        Row("P16", f"{what}: size", "gzip -6", size / 1_000, len(packed.data) / 1_000, "kB", 1.1, "at most"),
    ]
