"""Scanners of the source. What they find is looked at by a person once, and the reason stands here."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from dashapp.config import ROOT

FOLDERS = (
    "core",
    "db",
    "market",
    "ml",
    "alerts",
    "layouts",
    "callbacks",
    "dashapp",
    "workers",
    "demo",
    "migrations",
    "deploy",
)
RULES = ROOT / "tests" / "security" / "rules"

# (file, rule) -> why it is no weakness
BANDIT = {
    ("dashapp/embedded/postgres.py", "B105"): "scram-sha-256 is the name of a method",
    ("dashapp/supervisor/run.py", "B104"): "addresses that are translated to loopback, not bound",
    ("dashapp/supervisor/run.py", "B310"): "Bolt's own address, which begins with http://",
    ("db/queries/coarse_candles.py", "B608"): "names of timeframes and columns, from tables in the code",
    ("db/queries/invariants.py", "B608"): "names of tables, from a list in the code",
    ("db/queries/mails.py", "B311"): "spreads tries over time; nobody gains by guessing it",
    ("deploy/gunicorn.conf.py", "B108"): "gunicorn's heartbeat file in memory, which gunicorn opens safely",
}
# Set aside for good; ruff's S rules, which `make lint` runs line by line, stand behind each of them.
BANDIT_SKIPPED = (
    "B101,B404,B603,B607"  # asserts that narrow types; children that are started from lists of our own words
)
SEMGREP = {
    (
        "dashapp/embedded/postgres.py",
        "no-text-in-sql",
    ): "the name of the database is a constant, and can't be a parameter",
    ("db/queries/candles.py", "no-text-in-sql"): "a partition's name, of a timeframe that has been parsed",
}


def bandit(tools: Path) -> int:
    command = [tools / "bandit", "--quiet", "--recursive", "--format", "json", "--skip", BANDIT_SKIPPED, *present()]
    found = {(one["filename"].removeprefix("./"), one["test_id"]) for one in _json(command)["results"]}
    return compare(found, BANDIT)


def ruff() -> int:
    """Its S rules among the others, as pyproject.toml has them."""
    return _run(ROOT / ".venv/bin/ruff", "check", "--quiet", *present())


def semgrep(tools: Path) -> int:
    """The rules of `rules/`: first each against what it is for, then all of them against the product."""
    quiet = ("--metrics=off", "--disable-version-check")
    program = [tools / "python", tools / "semgrep", "scan", *quiet]
    if code := _run(*program, "--test", RULES):
        return code
    rules = ("--config", RULES / "python.yml", "--config", RULES / "script.yml")
    results = _json([*program, "--json", "--quiet", *rules, *present(), "assets", "docs/examples"])["results"]
    return compare({(one["path"], one["check_id"].rpartition(".")[2]) for one in results}, SEMGREP)


def compare(found: Iterable[tuple[str, str]], looked_at: dict[tuple[str, str], str]) -> int:
    """How many findings nobody has looked at, and how many reasons speak of nothing any more."""
    new, stale = set(found) - looked_at.keys(), looked_at.keys() - set(found)
    for where, rule in sorted(new):
        print(f"{where}: {rule} was not looked at")
    for where, rule in sorted(stale):
        print(f"{where}: {rule} is explained, and not found any more")
    print(f"{len(looked_at) - len(stale)} findings are explained in {Path(__file__).name}")
    return len(new) + len(stale)


def present() -> list[str]:
    return [name for name in FOLDERS if (ROOT / name).is_dir()]


def _run(*command: str | Path) -> int:
    return subprocess.run([str(word) for word in command], cwd=ROOT, check=False).returncode


def _json(command: Iterable[str | Path]) -> dict:
    done = subprocess.run([str(w) for w in command], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        sys.exit(f"{next(iter(command))} failed: {done.stderr[-2_000:]}")
