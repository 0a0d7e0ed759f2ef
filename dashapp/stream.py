"""Live prices for a browser: `GET /stream?markets=binance/BTC-USDT,demo/ETH-USDT` as server-sent events.

`tick` events carry the JSON of `core.ticks`, `beat` comes every five seconds, `end` says that no new try is worth it.
A stream goes on after the id in `Last-Event-ID` (or `last`), begins with the last tick of each market otherwise, and
ends within a second of its session.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import flask
from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

import core.market_name as market_name
import db.engine
from core import ticks
from core.errors import Refused
from core.market_name import MarketName
from core.settings import Settings
from core.ticks import Told
from dashapp.live_hub import Client, Hub
from db.queries import markets

MOST_MARKETS = 50
BEAT = 5.0  # seconds; a dead client is noticed when the next write fails
SEND_SECONDS = 15.0  # after which a client that takes nothing is given up
SHARE = 3 / 4  # of the web server's threads that streams may hold
RETRY_AFTER = 30
RECONNECT_MS = 2_000

blueprint = Blueprint("stream", __name__)


def install(app: Flask, settings: Settings) -> None:
    idle = timedelta(minutes=settings.session_idle_minutes)
    app.extensions["bolt_hub"] = Hub(settings.redis_url, int(settings.web_threads * SHARE), idle)
    app.register_blueprint(blueprint)


@blueprint.get("/stream")
def serve() -> ResponseReturnValue:
    """The stream of some markets: 404 for one that is not here, 422 for none or too many, 503 without room."""
    names = asked(request.args.get("markets", ""))
    with db.engine.session() as session:
        for name in names:
            markets.get(session, name)
    hub: Hub = current_app.extensions["bolt_hub"]
    client = hub.join((str(name) for name in names), flask.session["sid"])
    if client is None:
        return _no_room()
    offered = request.headers.get("Last-Event-ID") or request.args.get("last", "")
    after = offered if ticks.ID.fullmatch(offered) else ""
    _bound_sending()
    body = Events(hub, client, after)
    answer = Response(iter(body), mimetype="text/event-stream")
    answer.call_on_close(body.close)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"  # Nginx hands each event on at once
    return answer


def asked(text: str) -> list[MarketName]:
    """The markets of a query such as `binance/BTC-USDT,demo/ETH-USDT`; raises Refused."""
    words = list(dict.fromkeys(word for word in text.split(",") if word))
    if not 1 <= len(words) <= MOST_MARKETS:
        raise Refused(f"Name 1 to {MOST_MARKETS} markets, such as ?markets=binance/BTC-USDT.")
    return [market_name.parse_path(*(word.split("/", 1) if "/" in word else (word, ""))) for word in words]


def _no_room() -> ResponseReturnValue:
    sentence = "All live streams of this desk are taken. Prices go on arriving every ten seconds."
    return {"title": "No room for another stream", "sentence": sentence}, 503, {"Retry-After": str(RETRY_AFTER)}


def _bound_sending() -> None:
    """Writing to a client that takes nothing must fail some day, or it would hold its thread for ever."""
    socket: Any = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if socket is not None:
        socket.settimeout(SEND_SECONDS)


class Events:
    """The text of one stream, event by event; leaves the hub when closed, however it ends."""

    def __init__(self, hub: Hub, client: Client, after: str) -> None:
        self._hub = hub
        self._client = client
        self._after = after

    def close(self) -> None:
        self._hub.leave(self._client)

    def __iter__(self) -> Iterator[str]:
        try:
            yield f"retry: {RECONNECT_MS}\n\n" + beat()
            yield from self._missed()
            yield from self._live()
        finally:
            self.close()

    def _missed(self) -> Iterator[str]:
        """What came before; then the same ticks, where they wait in the queue too, are not told twice."""
        for told in self._hub.missed(self._client, self._after):
            self._after = max(self._after, told.id, key=ticks.position)
            yield event(told)  # not counted as late: it is told for the sake of the past

    def _live(self) -> Iterator[str]:
        beat_at = time.monotonic() + BEAT
        while not self._client.dropped:
            first = self._client.next(beat_at - time.monotonic())
            news = [told for told in [first, *self._client.ready()] if told and self._is_new(told)] if first else []
            if self._client.ended:
                yield "event: end\ndata: signed out\n\n"
                return
            if news:
                self._hub.told(news)
                yield "".join(map(event, news))
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + BEAT
                yield beat()

    def _is_new(self, told: Told) -> bool:
        return not told.id or ticks.position(told.id) > ticks.position(self._after)


def event(told: Told) -> str:
    """A tick as an event; what carries no id leaves the browser's last one standing."""
    data = told.text.replace("\r", " ").replace("\n", " ")
    return f"{f'id: {told.id}' + chr(10) if told.id else ''}event: tick\ndata: {data}\n\n"


def beat() -> str:
    return f"event: beat\ndata: {int(time.time() * 1_000)}\n\n"
