"""sqlmap, level 2, over every path, query and body parameter of the JSON API and every table of the admin desk.

An operation passes only when sqlmap says of each of its parameters that it was tested. A table that is open on purpose
is scanned first: a scanner that does not find that one finds nothing.
"""

import copy
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from dashapp.config import CSRF_COOKIE, CSRF_HEADER
from tests.security.desk import UNTOLD, Desk, forgetting, running
from tests.security.fuzz import ROOMY, broken
from tests.security.open_door import open_door
from tests.web import CALLBACKS, OWNER

FOUND = "identified the following injection point"  # "appears to be" is said of what is looked at once more
PASSED = re.compile(r"parameter '[^']+' does not seem to be injectable")
NOTHING = "all tested parameters do not appear to be injectable"
QUERY = {"limit": "10", "cursor": "WzEsMV0", "exchange": "binance", "timeframe": "1h", "horizon": "24"}
QUERY |= {"names": "sma:20", "start": "2024-05-01T00:00:00Z", "end": "2024-05-02T00:00:00Z"}
INSIDE = {"symbol": "BTC-USDT"}
ANSWERS = "400,403,404,409,412,415,422"  # what a value that is refused may get; a 401 ends the scan of an operation
REFUSING = ANSWERS + ",401"  # where a password or a token is itself the parameter
WAYS = ["--batch", "--level", "2", "--risk", "1", "--flush-session", "--disable-coloring", "-v", "1"]
WAYS += ["--dbms", "PostgreSQL", "--time-sec", "2", "--technique", "BEUST", "--skip-waf"]
AT_ONCE = 2
LONGEST_S = 240  # of one operation
BROWSER = "Mozilla/5.0 (scan)"
ROWS = {"startRow": 0, "endRow": 50}


@dataclass(frozen=True, slots=True)
class Target:
    """What sqlmap is to try: every `*` in the address and the body is a place for its words."""

    name: str
    method: str
    url: str
    body: str = ""
    ignored: str = ANSWERS
    public: bool = False
    callback: bool = False

    @property
    def stars(self) -> int:
        return self.url.count("*") + self.body.count("*")


def inject(tools: Path) -> int:
    """The number of operations in which sqlmap found an injection, or that it did not wholly test."""
    with running(hours=200, **ROOMY) as desk, forgetting(), ThreadPoolExecutor(AT_ONCE) as pool:
        with open_door(desk.database_url) as url:
            control = Target("planted", "GET", f"{url}/?name=BTC*", public=True)
            if FOUND not in _run(tools, control, []).stdout:
                print("planted: NOT FOUND; sqlmap sees nothing here, so what it says of the desk means nothing")
                return 1
            print("planted: found, as it must be", flush=True)
        wanted = list(targets(desk))
        wrong = sum(pool.map(lambda target: _scan(tools, desk, target), wanted))
        errors = broken(desk.folder / "web.log")
    print(f"{len(wanted)} operations, {sum(t.stars for t in wanted)} parameters; {errors} errors in the log")
    return wrong + errors


def targets(desk: Desk) -> Iterator[Target]:
    """Each operation that takes parameters, and each table that asks the server for its rows."""
    described = requests.get(f"{desk.url}/api/openapi.json", timeout=10).json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            target = _operation(desk, path, method, operation)
            if target.stars:
                yield target
    yield from _tables(desk)


def starred(value: Any) -> Any:
    """A value of JSON with a star behind each of its ends; numbers and truth become text, as sqlmap has them."""
    if isinstance(value, dict):
        return {name: starred(one) for name, one in value.items()}
    if isinstance(value, list):
        return [starred(one) for one in value]
    return f"{'' if value is None else value}*"


def _operation(desk: Desk, path: str, method: str, operation: dict) -> Target:
    known = {p["name"]: p for p in operation["parameters"]}
    inside = {n: f"{INSIDE.get(n, p['example'])}*" for n, p in known.items() if p["in"] == "path"}
    query = "&".join(f"{n}={quote(QUERY[n], safe='')}*" for n, p in known.items() if p["in"] == "query")
    body, public = operation.get("requestBody"), operation.get("security") == []
    example = body["content"]["application/json"]["example"] if body else None
    return Target(
        name=operation["operationId"],
        method=method.upper(),
        url=desk.url + path.format(**inside) + (f"?{query}" if query else ""),
        body=json.dumps(starred(example)) if body else "",
        ignored=REFUSING if public else ANSWERS,
        public=public,
    )


def _tables(desk: Desk) -> Iterator[Target]:
    """The callbacks of AG Grid, with a filter and a sort of every kind that a browser may send."""
    session, headers = signed_in(desk)
    for one in session.get(f"{desk.url}/_dash-dependencies", headers=headers, timeout=30).json():
        if not any(place["property"] == "getRowsRequest" for place in one["inputs"]):
            continue
        asked = ROWS | {
            "sortModel": [{"colId": "at*", "sort": "asc*"}],
            "filterModel": {"action*": {"filterType": "text*", "type": "contains*", "filter": "role*"}},
        }
        body = _body(one)
        for place in body["inputs"]:
            place["value"] = asked if place["property"] == "getRowsRequest" else None
        yield Target(f"table {one['output']}", "POST", desk.url + CALLBACKS, json.dumps(body), callback=True)


def _body(dependency: dict[str, Any]) -> dict[str, Any]:
    from tests.web import body_of

    return copy.deepcopy(body_of(dependency))


def signed_in(desk: Desk) -> tuple[requests.Session, dict[str, str]]:
    """The owner's browser, and what it sends with a callback."""
    session = requests.Session()
    session.headers["User-Agent"] = BROWSER  # the session is bound to it
    page = session.get(f"{desk.url}/login", timeout=30).text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": OWNER, "password": UNTOLD}
    session.post(f"{desk.url}/login", data=fields, timeout=30).raise_for_status()
    session.get(desk.url, timeout=30)
    return session, {CSRF_HEADER: session.cookies[CSRF_COOKIE]}


def _rights(desk: Desk, target: Target) -> list[str]:
    """A sign-in of its own for each operation, for it ends after half an hour."""
    if target.public:
        return []
    if not target.callback:
        return ["-H", f"Authorization: Bearer {desk.token()}"]
    session, headers = signed_in(desk)
    cookies = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
    more = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    return ["-H", f"Cookie: {cookies}", *more, "--user-agent", BROWSER]


def _run(tools: Path, target: Target, rights: list[str]) -> "subprocess.CompletedProcess[str]":
    command = [str(tools / "sqlmap"), "-u", target.url, "--method", target.method, "--ignore-code", target.ignored]
    if target.body:
        command += ["--data", target.body, "-H", "Content-Type: application/json"]
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [*command, *rights, *WAYS, "--output-dir", folder],
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_S,
        )


def _scan(tools: Path, desk: Desk, target: Target) -> bool:
    """Whether something is wrong: an injection, or a parameter that was not tested."""
    began = time.monotonic()
    done = _run(tools, target, _rights(desk, target))
    tested = len(PASSED.findall(done.stdout))
    whole = done.returncode == 0 and NOTHING in done.stdout and tested == target.stars
    verdict = "INJECTION" if FOUND in done.stdout else "nothing" if whole else "NOT WHOLLY TESTED"
    print(f"{target.name}: {verdict}, {tested} of {target.stars} tested, {time.monotonic() - began:.0f} s", flush=True)
    if verdict != "nothing":
        print(done.stdout[-3_000:], done.stderr[-1_000:])
    return verdict != "nothing"
