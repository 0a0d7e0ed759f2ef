"""The examples of docs/API.md and the example client, run against a real server."""

import importlib.util
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from core.market_name import MarketName
from dashapp.version import ROOT
from db.queries import candles, markets
from tests.candles import walk
from tests.web import OWNER, PASSWORD

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "API.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def desk(app: Flask, owner: int, session: Session) -> Iterator[str]:
    """The address of a served application with one market."""
    market = markets.get_or_create(session, MarketName("binance", "BTC/USDT"))
    candles.upsert(session, market.id, "1h", walk(120))
    session.commit()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def client_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bolt_client", ROOT / "docs" / "examples" / "bolt_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs the programs curl and jq")
def test_the_examples_with_curl_work_as_they_are_written(desk: str) -> None:
    script = "set -eu -o pipefail\n" + "\necho\n".join(BLOCKS)
    names = {"BOLT": desk, "EMAIL": OWNER, "PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], env=names, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(BLOCKS) > 5
    assert '"state":"cancelled"' in done.stdout
    assert "time,open,high,low,close,volume" in done.stdout


def test_the_example_client_reads_pages_and_trains_once(desk: str, client_module: ModuleType) -> None:
    bolt = client_module.Bolt(desk)
    bolt.sign_in(OWNER, PASSWORD)
    found = list(bolt.items("/api/markets/BTC-USDT/candles", limit=50, exchange=None))
    assert [candle["close"] for candle in found] == walk(120).close[::-1].tolist()
    jobs = {bolt.train(["binance:BTC/USDT"], "1h", 24, key="train-it-once")["id"] for _ in range(2)}
    assert len(jobs) == 1
    bolt.sign_out()
    assert (bolt.token, bolt.refresh_token) == ("", "")


def test_the_example_client_refreshes_and_says_what_is_wrong(desk: str, client_module: ModuleType) -> None:
    bolt = client_module.Bolt(desk)
    bolt.sign_in(OWNER, PASSWORD)
    bolt.token, used = "ran-out", bolt.refresh_token
    assert bolt.get("/api/auth/me")["email"] == OWNER
    assert bolt.refresh_token != used
    with pytest.raises(client_module.BoltProblem, match="no such job") as problem:
        bolt.get("/api/jobs/00000000-0000-4000-8000-000000000000")
    assert problem.value.status == 404
    stranger = client_module.Bolt(desk)
    with pytest.raises(client_module.BoltProblem) as refused:
        stranger.get("/api/markets")
    assert refused.value.status == 401
