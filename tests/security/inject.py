"""sqlmap, level 2, over every query and body parameter of the JSON API, as its owner."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import requests

from tests.security.desk import Desk, forgetting, running
from tests.security.fuzz import ROOMY

SKIPPED = {"logout", "change_password", "remove_me", "refresh"}  # they end the token that the scan needs
FOUND = re.compile(r"(?:is|appears to be) '[^']+' injectable|identified the following injection point")
QUERY = {"limit": "10", "exchange": "binance", "timeframe": "1h", "horizon": "24", "names": "sma:20"}
QUERY |= {"start": "2024-05-01T00:00:00Z", "end": "2024-05-02T00:00:00Z"}


def inject(tools: Path) -> int:
    """The number of operations in which sqlmap believes to have found an injection."""
    with running(hours=200, **ROOMY) as desk, tempfile.TemporaryDirectory() as folder, forgetting():
        token, found = desk.token(), 0
        for name, command in commands(desk, token):
            where = ["--output-dir", folder, "--batch", "--level", "2", "--risk", "1", "--smart", "--flush-session"]
            quiet = ["--disable-coloring", "-v", "1", "--threads", "2", "--dbms", "PostgreSQL", "--time-sec", "2"]
            done = subprocess.run(
                [str(tools / "sqlmap"), *command, *where, *quiet], capture_output=True, text=True, check=False
            )
            hit = FOUND.search(done.stdout) is not None
            print(f"{name}: {'INJECTION' if hit else 'nothing'}")
            if hit:
                print(done.stdout[-3_000:])
            found += hit
    return found


def commands(desk: Desk, token: str) -> Iterator[tuple[str, list[str]]]:
    """(operation, arguments of sqlmap) for each operation that takes parameters."""
    described = requests.get(f"{desk.url}/api/openapi.json", timeout=10).json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] in SKIPPED:
                continue
            command = _command(desk, path, method, operation)
            if command is not None:
                yield operation["operationId"], [*command, "-H", f"Authorization: Bearer {token}"]


def _command(desk: Desk, path: str, method: str, operation: dict) -> list[str] | None:
    query = {p["name"]: QUERY[p["name"]] for p in operation["parameters"] if p["in"] == "query" and p["name"] in QUERY}
    inside = {p["name"]: str(p["example"]) for p in operation["parameters"] if p["in"] == "path"}
    body = operation.get("requestBody")
    if not query and not inside and body is None:
        return None
    address = desk.url + path.format(
        **{name: f"{value}*" for name, value in inside.items()} if not query and body is None else inside
    )
    command = [
        "-u",
        f"{address}?{urlencode(query)}" if query else address,
        "--method",
        method.upper(),
        "--ignore-code",
        "401,403,404,409,422",
    ]
    if body is not None:
        command += [
            "--data",
            json.dumps(body["content"]["application/json"]["example"]),
            "-H",
            "Content-Type: application/json",
        ]
    return command
