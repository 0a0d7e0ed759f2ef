"""S10 by the clock: a hundred requests about an address that somebody has and a hundred about one that nobody has.

In turn, against gunicorn, on loopback. `tests/dashapp/test_same_path.py` counts what is done; this measures how long it
takes, which a test that must never fail by chance cannot.
"""

import statistics
import time
from collections.abc import Callable

import requests

from tests.security.desk import Desk, forgetting, running
from tests.security.fuzz import ROOMY
from tests.web import OWNER

PAIRS = 100  # 200 requests for each door
SECONDS, SHARE = 0.015, 0.10  # medians must be nearer to each other than either
PASSPHRASE = "Violet-kettle-92"
BROWSER = {"User-Agent": "Mozilla/5.0 (scan)"}
Ask = Callable[[str], requests.Response]


def timing() -> int:
    """The number of doors whose time says who has an account."""
    told = 0
    with running(hours=50, **ROOMY) as desk, forgetting():
        for name, (ask, status) in doors(desk).items():
            known, unknown = medians(ask, status)
            apart = abs(known - unknown)
            same = apart < max(SECONDS, SHARE * known)
            print(f"{name}: {known * 1e3:.1f} ms known, {unknown * 1e3:.1f} ms unknown{'' if same else ': TELLS'}")
            told += not same
    return told


def medians(ask: Ask, status: int) -> tuple[float, float]:
    """Seconds for an address somebody has, and for others, each a new one; neither always comes first."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for n in range(-2, PAIRS):
        for known in (True, False) if n % 2 else (False, True):
            began = time.perf_counter()
            answer = ask(OWNER if known else f"new{n + 2:03}@example.org")
            seconds = time.perf_counter() - began
            if answer.status_code != status:
                raise SystemExit(f"{answer.url} answered {answer.status_code} and not {status}: {answer.text[:300]}")
            if n >= 0:  # the first ones warm up
                took[known].append(seconds)
    return statistics.median(took[True]), statistics.median(took[False])


def doors(desk: Desk) -> dict[str, tuple[Ask, int]]:
    """Whatever takes an address of somebody who is not signed in, and what it answers."""
    return {
        "API, sign in": (_api(desk, "/auth/login", password="wrong"), 401),
        "API, register": (_api(desk, "/auth/register", password=PASSPHRASE), 202),
        "page, sign in": (_page(desk, "/login", password="wrong"), 401),
        "page, register": (_page(desk, "/register", password=PASSPHRASE, repeat=PASSPHRASE), 302),
        "page, forgotten password": (_page(desk, "/forgot"), 302),
    }


def _api(desk: Desk, path: str, **fields: str) -> Ask:
    session = requests.Session()
    return lambda email: session.post(f"{desk.url}/api{path}", json={"email": email, **fields}, timeout=30)


def _page(desk: Desk, path: str, **fields: str) -> Ask:
    session = requests.Session()
    text = session.get(desk.url + path, headers=BROWSER, timeout=30).text
    sent = {"csrf_token": text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0], **fields}

    def ask(email: str) -> requests.Response:
        body = {"email": email, **sent}
        return session.post(desk.url + path, body, headers=BROWSER, allow_redirects=False, timeout=30)

    return ask
