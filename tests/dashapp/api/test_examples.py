"""The examples of docs/API.md and the example client, run against a real server."""

import importlib.util
import re
import shutil
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from flask import Flask
from pydantic import BaseModel
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from core.market_name import MarketName
from dashapp.api.openapi import ARGUMENT
from dashapp.api.route import Route
from dashapp.api.schemas import Problem
from dashapp.version import ROOT
from db.queries import candles, markets
from tests.api import routes
from tests.candles import walk
from tests.db.test_trained_models import record
from tests.web import OWNER, PASSWORD

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "API.md").read_text(encoding="utf-8"), re.DOTALL)
CLIENT = ROOT / "docs" / "examples" / "bolt_client.py"
KINDS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", object: "anything"}
# Where no example is run: a worker or an open desk is needed, or the account would be another one afterwards.
UNTOLD = {"register", "change_password", "remove_me", "ask_for_call", "show_docs"}


@pytest.fixture
def desk(app: Flask, owner: int, session: Session) -> Iterator[str]:
    """The address of a served application with one market."""
    market = markets.get_or_create(session, MarketName("binance", "BTC/USDT"))
    candles.upsert(session, market.id, "1h", walk(120))
    record(session)
    session.commit()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def client_module() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("bolt_client", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs the programs curl and jq")
def test_the_examples_with_curl_work_as_they_are_written(desk: str) -> None:
    script = "set -eu -o pipefail\n" + "\necho\n".join(BLOCKS)
    names = {"BOLT": desk, "EMAIL": OWNER, "PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], env=names, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(BLOCKS) > 5
    assert '"state":"cancelled"' in done.stdout
    assert "time,open,high,low,close,volume" in done.stdout
    assert '"verdict":"no_demonstrated_skill"' in done.stdout
    assert "\n304\n" in done.stdout


def test_every_endpoint_has_an_example_with_curl() -> None:
    """Each call of a block as method and path, with what stands for an argument filled by any word."""
    calls = [call.replace("\\\n", " ") for block in BLOCKS for call in re.split(r"(?=curl )", block)[1:]]
    told = set()
    for call in calls:
        method = re.search(r"-X (\w+)", call)
        path = re.search(r'"\$BOLT/api([^"?]*)', call)
        assert path is not None, call
        told.add((method[1] if method else "POST" if re.search(r"(?<!tr) -d ", call) else "GET", path[1]))
    missing = {route.name for route in routes() if not any(map(partial(fits, route), told))}
    assert missing == UNTOLD


def fits(route: Route, called: tuple[str, str]) -> bool:
    pattern = ARGUMENT.sub(lambda found: "[^/]+-[^/]+" if found[1] == "symbol" else "[^/]+", route.path)
    return called[0] == route.method and re.fullmatch(pattern, called[1]) is not None


def test_the_example_client_reads_every_resource_and_trains_once(desk: str, client_module: ModuleType) -> None:
    bolt = client_module.Bolt(desk)
    bolt.sign_in(OWNER, PASSWORD)
    assert [market["symbol"] for market in bolt.markets()] == ["BTC-USDT"]
    assert [candle["close"] for candle in bolt.candles("BTC-USDT")] == walk(120).close[::-1].tolist()
    (last,) = bolt.candles("BTC-USDT", exchange="binance", start=next(bolt.candles("BTC-USDT"))["time"])
    assert float(bolt.ticker("BTC-USDT")["price"]) == last["close"]
    assert next(bolt.indicators("BTC-USDT", "ema:20"))["values"]["ema:20"]
    assert [bolt.latest_calls("BTC-USDT"), list(bolt.calls("BTC-USDT")), bolt.scorecards("BTC-USDT")] == [[], [], []]
    (model,) = bolt.models()
    assert bolt.model(model["id"])["card"]["verdict"] == "no_demonstrated_skill"
    assert bolt.watch(["binance:BTC/USDT"]) == bolt.watchlist()
    asked = [bolt.train(["binance:BTC/USDT"], "1h", 24, key="train-it-once") for _ in range(2)]
    assert asked[0]["id"] == asked[1]["id"]
    assert bolt.job(asked[0]["id"])["state"] == "queued"
    assert bolt.cancel(asked[0]["id"])["state"] == "cancelled"
    bolt.sign_out()
    assert (bolt.token, bolt.refresh_token) == ("", "")


def test_the_example_client_follows_pages(
    desk: str, client_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    bolt = client_module.Bolt(desk)
    bolt.sign_in(OWNER, PASSWORD)
    sent: list[str] = []
    plain = bolt._send
    monkeypatch.setattr(bolt, "_send", lambda method, path, *more: sent.append(path) or plain(method, path, *more))
    found = list(bolt._items("/api/markets/BTC-USDT/candles", limit="50", exchange=None))
    assert len(found) == 120
    assert len(sent) == 3
    assert "exchange" not in sent[0]


def test_the_example_client_refreshes_and_says_what_is_wrong(desk: str, client_module: ModuleType) -> None:
    bolt = client_module.Bolt(desk)
    bolt.sign_in(OWNER, PASSWORD)
    bolt.token, used = "ran-out", bolt.refresh_token
    assert bolt.me()["email"] == OWNER
    assert bolt.refresh_token != used
    with pytest.raises(client_module.BoltProblem, match="no such job") as problem:
        bolt.job("00000000-0000-4000-8000-000000000000")
    assert problem.value.status == 404
    stranger = client_module.Bolt(desk)
    with pytest.raises(client_module.BoltProblem) as refused:
        next(stranger.markets())
    assert refused.value.status == 401


def test_the_types_of_the_example_client_are_those_of_the_api(client_module: ModuleType) -> None:
    """What the client names has the kind the schema says; a schema may hold more than the client names."""
    assert "Any" not in CLIENT.read_text(encoding="utf-8").split()
    answers: list[type[BaseModel]] = [route.answer for route in routes() if route.answer] + [Problem]
    schemas: dict[str, Any] = {}
    for model in answers:
        whole = model.model_json_schema(mode="serialization")
        schemas |= whole.get("$defs", {}) | {model.__name__: whole}
    typed = {name: kind for name, kind in vars(client_module).items() if is_typeddict(kind) and name[0] != "_"}
    assert len(typed) > 10
    for name, kind in typed.items():
        schema = schemas[next(word for word in (name, f"{name}Item") if word in schemas)]
        for field, hint in get_type_hints(kind).items():
            told = kinds_told(schema["properties"][field])
            assert kinds_meant(hint) <= told | {"anything"}, (name, field)
            assert told <= kinds_meant(hint) | {"anything"}, (name, field)


def kinds_told(schema: dict[str, Any]) -> set[str]:
    """`{"string", "null"}` of a property."""
    if "anyOf" in schema:
        return {kind for one in schema["anyOf"] for kind in kinds_told(one)}
    return {schema.get("type", "object")}


def kinds_meant(hint: Any) -> set[str]:
    """The same of a type."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return {kind for one in get_args(hint) for kind in kinds_meant(one)}
    if origin is Literal:
        return {"string"}
    if origin in {list, dict}:
        return {"array" if origin is list else "object"}
    return {"object"} if is_typeddict(hint) else {KINDS[hint]}
