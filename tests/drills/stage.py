"""What drills play on: the replay exchange beside the clone, and the unmodified product talking to it.

The replay serves candles of 2024 by Binance's, Kraken's and Coinbase's protocols and fails on demand; `redirect`,
first on PYTHONPATH, sends the product's requests there and refuses every other host.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from dashapp.config import ROOT
from dashapp.supervisor import state
from dashapp.supervisor.state import State

SHARED = Path(os.environ.get("BOLT_REFERENCE", ROOT.parent / "shared"))
SYMBOLS = ("BTC", "ETH", "XRP", "ADA", "LTC", "LINK")
FILES = tuple(SHARED / "data" / f"binance_{coin}_USDT-1h_2024.csv.gz" for coin in SYMBOLS)
BINANCE = tuple(f"binance:{coin}/USDT" for coin in SYMBOLS)
OTHERS = ("kraken:BTC/USDT", "kraken:ETH/USDT", "coinbase:BTC/USDT", "coinbase:ETH/USDT")
OWNER, PASSWORD = "owner@example.org", "a long drill password 2024"


def require_reference() -> None:
    """End with a sentence where the reference folder does not lie beside the clone."""
    needed = [SHARED / "tools" / "replay_exchange.py", *FILES]
    if missing := [str(path) for path in needed if not path.exists()]:
        raise SystemExit(
            f"This drill needs the reference folder with the replay exchange; {missing[0]} is not there. "
            "Put it beside the clone as `shared`, or name it: BOLT_REFERENCE=/path/to/it"
        )


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S', time.gmtime())} {text}", flush=True)


@dataclass(frozen=True, slots=True)
class Replay:
    """The exchange; its log holds every request that any process made."""

    url: str
    process: "subprocess.Popen[bytes]"

    def ask(self, path: str, **query: Any) -> Any:
        answer = requests.get(self.url + path, params=query, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def order(self, path: str, **fields: Any) -> Any:
        return requests.post(self.url + path, json=fields, timeout=30).json()

    def now_ms(self) -> int:
        return int(self.ask("/__control")["now"])

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("/__log")
        return found


@contextmanager
def replay(port: int, *, speed: float = 1.0, seed: int = 1, files: Sequence[Path] = FILES) -> Iterator[Replay]:
    """The replay exchange with the markets of these files, until the block ends."""
    tool = [sys.executable, str(SHARED / "tools" / "replay_exchange.py"), "--port", str(port)]
    options = ["--speed", str(speed), "--seed", str(seed), *map(str, files)]
    process = subprocess.Popen([*tool, *options], stdout=subprocess.DEVNULL)
    made = Replay(f"http://127.0.0.1:{port}", process)
    try:
        _patiently(lambda: bool(made.ask("/__control")), 60, "the replay exchange")
        yield made
    finally:
        process.terminate()
        process.wait(10)


@dataclass(frozen=True, slots=True)
class Product:
    """A Bolt that was started as its users start it."""

    data: Path
    env: dict[str, str]
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.env['PORT']}"

    def state(self) -> State:
        found = state.read(self.data)
        if found is None:
            raise SystemExit("Bolt does not run any more; see its log above.")
        return found

    def run(self, *arguments: str, stdin: str = "") -> str:
        """`python -m dashapp …` on the running product; ends the drill where it fails."""
        command = [sys.executable, "-m", "dashapp", *arguments]
        done = subprocess.run(command, env=self.env, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def beside(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """One more process of the workers, on the servers of the product."""
        servers = {"DATABASE_URL": self.state().database_url, "REDIS_URL": self.state().redis_url}
        command = [sys.executable, "-m", "workers", *arguments]
        log = (self.data / "log" / f"beside-{arguments[0]}.log").open("ab")
        return subprocess.Popen(command, env=self.env | servers, cwd=ROOT, stdout=log, stderr=log)


@contextmanager
def product(port: int, exchange: Replay | None = None, **more: str) -> Iterator[Product]:
    """Bolt in a folder of its own, with an owner; `exchange` None starts it with its demo exchange alone."""
    with tempfile.TemporaryDirectory(prefix="bolt-drill-", dir=os.environ.get("DRILL_FOLDER")) as folder:
        Path(folder).chmod(0o755)
        env = dict(os.environ) | {
            "BOLT_DATA": folder,
            "PORT": str(port),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "EXCHANGES": "binance,kraken,coinbase",
            "DEMO": "off" if exchange else "on",
        }
        if exchange:
            redirect = str(SHARED / "tools" / "redirect")
            paths = [redirect, *filter(None, [os.environ.get("PYTHONPATH")])]
            env |= {"FAKE_EXCHANGE": exchange.url, "FAKE_BLOCK": "1", "PYTHONPATH": os.pathsep.join(paths)}
        process = subprocess.Popen([sys.executable, "-m", "dashapp", "up"], env=env | more, cwd=ROOT)
        made = Product(Path(folder), env | more, process)
        try:
            _patiently(lambda: requests.get(f"{made.url}/health/live", timeout=2).ok, 120, "Bolt")
            made.run("create-owner", "--email", OWNER, stdin=f"{PASSWORD}\n")
            yield made
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)
            _keep_logs(Path(folder))


def _keep_logs(folder: Path) -> None:
    """DRILL_LOGS=folder keeps what the processes said, for whoever looks for a cause."""
    if kept := os.environ.get("DRILL_LOGS"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        for log in (folder / "log").glob("*.log*"):
            (Path(kept) / log.name).write_bytes(log.read_bytes())


def _patiently(true: Any, seconds: float, what: str) -> None:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        try:
            if true():
                return
        except (requests.RequestException, json.JSONDecodeError):
            pass
        time.sleep(0.3)
    raise SystemExit(f"{what} did not answer in {seconds:g} s")


def sign_in(product_: Product) -> requests.Session:
    """A browser's session of the owner."""
    browser = requests.Session()
    browser.headers["User-Agent"] = "bolt-drill"
    page = browser.get(product_.url + "/login", timeout=10).text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    form = {"csrf_token": token, "email": OWNER, "password": PASSWORD}
    browser.post(product_.url + "/login", data=form, timeout=20, allow_redirects=False).raise_for_status()
    return browser
