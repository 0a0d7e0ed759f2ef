"""What somebody did at the server stands in the audit log, as what people do on the desk."""

import argparse
import inspect
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from dashapp.cli import main as command_line
from db.queries import audit
from tests.dashapp.test_cli import HEAD, MARKET, PASSWORD, ROWS, Run, environ, run, write

__all__ = ["environ", "run"]

# Commands that tell and change nothing. `up` and `migrate` begin what writes its own events, and the schema's number.
READS = {
    "up",
    "migrate",
    "check",
    "build-assets",
    "setup-code",
    "markets",
    "sources",
    "gaps",
    "breaks",
    "models",
    "scorecard",
    "verify-ledger",
    "settings",
}


def commands() -> dict[str, Callable[..., int]]:
    """Every command and its function."""
    parser = command_line._parser()
    (group,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return {name: made.get_default("run") for name, made in group.choices.items()}


def notes(function: Callable[..., int]) -> bool:
    """Whether a command, or a function of its module that it calls, writes an event."""
    module, text = inspect.getmodule(function), inspect.getsource(function)
    for name, helper in vars(module).items():
        if inspect.isfunction(helper) and helper.__module__ == function.__module__ and f"{name}(" in text:
            text += inspect.getsource(helper)
    return "audit." in text or "accounts.reset_password" in text


def test_every_command_that_changes_or_hands_out_something_writes_an_event() -> None:
    """A new command that only tells belongs into READS."""
    known = commands()
    assert set(known) >= READS
    assert {name for name in known.keys() - READS if not notes(known[name])} == set()
    assert not notes(known["markets"])


def events(session: Session) -> list[tuple[str, str, str, str]]:
    session.expire_all()
    found = audit.page(session, audit.Wanted(), limit=10)
    return [(one.actor, one.action, one.object, one.result) for one in reversed(found)]


def test_imports_and_exports_of_candles_are_noted(run: Run, session: Session, tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.csv", HEAD + ROWS), write(tmp_path / "bad.csv", HEAD + "x\n")
    assert run("import-candles", str(good), str(bad), *MARKET)[0] == 1
    assert run("export-candles", str(tmp_path / "out.csv"), *MARKET)[0] == 0
    assert run("export-candles", str(tmp_path / "none.csv"), *MARKET[:-1], "5m")[0] == 1
    what = "binance:BTC/USDT 1h"
    assert events(session) == [
        ("command line", "candles_imported", what, "ok"),
        ("command line", "candles_imported", what, "failed"),
        ("command line", "candles_exported", what, "ok"),
    ]
    imported, refused, exported = reversed(audit.page(session, audit.Wanted(), limit=3))
    assert imported.detail["file"] == "good.csv"
    assert refused.detail["reason"]
    assert exported.detail == {"file": str(tmp_path / "out.csv"), "rows": 2}
    assert audit.verify(session).breaches == []


def test_a_backup_and_the_owner_made_at_the_server_are_noted(
    run: Run, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert run("create-owner", "--email", "mara@example.org")[0] == 0
    assert run("backup", str(tmp_path / "b.tar"))[0] == 0
    assert events(session) == [
        ("command line", "owner_created", "user mara@example.org", "ok"),
        ("command line", "backup_written", str(tmp_path / "b.tar"), "ok"),
    ]
