"""CoinGecko through its SDK, against a server of our own that answers in its shape, counts and breaks."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from redis import Redis
from sqlalchemy import Engine

import core.settings
import db.engine
from core.errors import ExchangeBackOff, ExchangeBlocked, ExchangeUnavailable
from db.queries import sources
from market import coingecko
from market.coingecko import CoinGecko


def entry(symbol: str, cap: Any, *, price: Any = 10.0, name: str = "", rank: int | None = 1) -> dict[str, Any]:
    return {
        "id": (name or symbol).lower(),
        "symbol": symbol,
        "name": name or symbol.title(),
        "image": "https://example.org/a.png",
        "current_price": price,
        "market_cap": cap,
        "market_cap_rank": rank,
        "last_updated": "2026-01-02T03:04:05.000Z",
    }


@dataclass
class Gecko:
    """What the server answers, and what it was asked."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    coins: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, page: int) -> str:
        if self.body is not None:
            return self.body
        return json.dumps(self.coins[(page - 1) * coingecko.PAGE : page * coingecko.PAGE])


@pytest.fixture
def gecko() -> Iterator[Gecko]:
    said = Gecko()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlparse(self.path)
            query = {key: values[0] for key, values in parse_qs(asked.query).items()}
            said.asked.append({"path": asked.path, **query, "key": self.headers.get("x-cg-demo-api-key")})
            body = said.answer(int(query.get("page", 1))).encode()
            self.send_response(said.status)
            for name, value in {"Content-Type": "application/json", **said.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said.url = f"http://127.0.0.1:{server.server_port}/api/v3"
    yield said
    server.shutdown()
    server.server_close()


def make(gecko: Gecko, redis_url: str, **values: str) -> CoinGecko:
    made = coingecko.make(core.settings.read(values), Redis.from_url(redis_url), base_url=gecko.url, timeout_s=1.0)
    made.guard.sleep = lambda _seconds: None
    return made


def state() -> str:
    with db.engine.session() as session:
        found = sources.get(session, coingecko.NAME)
    assert found is not None
    return found.state


def test_coins_come_with_capitalisation_and_price(gecko: Gecko, redis_url: str, database: Engine) -> None:
    gecko.coins = [entry("btc", 1.5e12, price=76_000.5, name="Bitcoin"), entry("new", 0, price=None, rank=None)]
    first, second = make(gecko, redis_url).coins(1)
    assert (first.id, first.symbol, first.name, first.market_cap) == ("bitcoin", "BTC", "Bitcoin", 1.5e12)
    assert (first.price_usd, first.rank, first.updated_at.isoformat()) == (76_000.5, 1, "2026-01-02T03:04:05+00:00")
    assert (second.market_cap, second.price_usd, second.rank) == (None, None, None)
    assert gecko.asked[0]["path"] == "/api/v3/coins/markets"
    assert gecko.asked[0]["vs_currency"] == "usd"
    assert state() == "ok"


def test_without_a_key_none_is_sent_and_with_one_it_is(gecko: Gecko, redis_url: str, database: Engine) -> None:
    make(gecko, redis_url).coins(1)
    make(gecko, redis_url, COINGECKO_API_KEY="CG-secret").coins(1)
    assert [one["key"] for one in gecko.asked] == [None, "CG-secret"]


def test_numbers_that_are_none_are_left_out_and_nameless_coins_too(
    gecko: Gecko, redis_url: str, database: Engine
) -> None:
    gecko.coins = [entry("a", "much", price=-1.0), {**entry("b", 1.0), "symbol": None}, entry("c", float("nan"))]
    found = make(gecko, redis_url).coins(1)
    assert [(coin.symbol, coin.market_cap, coin.price_usd) for coin in found] == [("A", None, None), ("C", None, 10.0)]


@pytest.mark.parametrize("body", ["<!doctype html><p>Sign in", "", "[{", '{"status": 1}', '["btc"]', "null"])
def test_what_is_no_list_of_coins_is_refused_after_three_attempts(
    gecko: Gecko, redis_url: str, database: Engine, body: str
) -> None:
    gecko.body = body
    with pytest.raises(ExchangeUnavailable):
        make(gecko, redis_url).coins(1)
    assert len(gecko.asked) == 3
    assert state() == "down"


@pytest.mark.parametrize("code", [500, 503])
def test_server_errors_are_asked_again_thrice_at_most(
    gecko: Gecko, redis_url: str, database: Engine, code: int
) -> None:
    gecko.status = code
    with pytest.raises(ExchangeUnavailable):
        make(gecko, redis_url).coins(1)
    assert len(gecko.asked) == 3


def test_a_request_to_wait_is_obeyed_by_every_process(gecko: Gecko, redis_url: str, database: Engine) -> None:
    gecko.status, gecko.headers = 429, {"Retry-After": "30"}
    with pytest.raises(ExchangeBackOff) as told:
        make(gecko, redis_url).coins(1)
    assert abs(told.value.until.timestamp() - time.time() - 30) < 2
    gecko.status = 200
    with pytest.raises(ExchangeBackOff):
        make(gecko, redis_url).coins(1)
    assert len(gecko.asked) == 1
    assert state() == "waiting"


@pytest.mark.parametrize("code", [401, 403, 451])
def test_a_refused_address_or_key_is_asked_once(gecko: Gecko, redis_url: str, database: Engine, code: int) -> None:
    gecko.status = code
    with pytest.raises(ExchangeBlocked):
        make(gecko, redis_url).coins(1)
    assert len(gecko.asked) == 1
    assert state() == "blocked"


def test_nobody_there_is_said_as_unavailable(redis_url: str, database: Engine) -> None:
    with pytest.raises(ExchangeUnavailable):
        make(Gecko(url="http://127.0.0.1:1/api/v3"), redis_url).coins(1)


def units(**values: Any) -> str:
    """An answer of exchange rates: units of each currency a bitcoin is worth."""
    told = {code: {"name": code, "unit": code, "value": value, "type": "fiat"} for code, value in values.items()}
    return json.dumps({"rates": told})


def test_rates_are_what_a_dollar_is_worth(gecko: Gecko, redis_url: str, database: Engine) -> None:
    gecko.body = units(usd=80_000.0, eur=72_000.0, jpy=12_000_000, aed=1.0)
    assert make(gecko, redis_url).rates() == {"EUR": 0.9, "JPY": 150.0}
    assert gecko.asked[0]["path"] == "/api/v3/exchange_rates"


def test_doubtful_rates_are_left_out(gecko: Gecko, redis_url: str, database: Engine) -> None:
    told = json.loads(units(usd=80_000.0, eur=0, gbp="64000", chf=None, jpy=-1.0, cad=True, sek=1.0, brl=440_000.0))
    told["rates"]["aud"] = {"name": "A", "unit": "A", "value": 120_000.0, "type": "crypto"}
    gecko.body = json.dumps(told)
    assert make(gecko, redis_url).rates() == {"BRL": 5.5}


@pytest.mark.parametrize(
    "body", ["<p>no", "[]", "null", '{"rates": []}', '{"rates": {"usd": 3}}', '{"rates": {}}', units(eur=1.0)]
)
def test_what_is_no_table_of_rates_is_refused(gecko: Gecko, redis_url: str, database: Engine, body: str) -> None:
    gecko.body = body
    with pytest.raises(ExchangeUnavailable):
        make(gecko, redis_url).rates()
    assert len(gecko.asked) == 3
