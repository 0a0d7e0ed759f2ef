"""`up`, `migrate`, `check`, `build-assets`."""

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from core.clock import utc_now
from core.errors import Refused
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add

if TYPE_CHECKING:
    from db.queries.invariants import Champion

SHOWN = 20  # breaches of the ledger that `check` lists


def register(add: Add) -> None:
    add("up", up, "Start everything and keep it running until Ctrl-C.")
    add("migrate", migrate, "Bring the database to the newest schema.")
    add("check", check, "Test what must always hold: candles, jobs, model files, the audit log.")
    add("build-assets", build_assets, "Make the files the page needs from the installed packages.")


def up(_asked: argparse.Namespace, settings: Settings, _output: Output) -> int:
    from dashapp.supervisor import run

    return run.up(settings)


def migrate(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    from dashapp.supervisor import database

    with attached(settings, output, migrated=False) as found:
        revision = database.migrate(found.settings)
    output.result({"revision": revision}, [f"The database is at revision {revision}."])
    return 0


def check(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Exit 0 when every invariant holds, 1 with each breach as a line."""
    import db.engine
    from db.queries import audit, invariants, ledger
    from ml import settling

    with attached(settings, output) as found, db.engine.session() as session:
        log, calls = audit.verify(session), ledger.verify(session)
        breaches = invariants.candles(session) + invariants.jobs(session) + log.breaches
        breaches += _few([f"I10 ledger: {breach.sentence}" for breach in calls.breaches])
        if late := settling.overdue(session, now=utc_now()):
            breaches.append(
                f"I11 {len(late)} calls wait to be settled for more than two bars, the first is call {late[0]}"
            )
        for model in invariants.champions(session):
            breaches += files_that_differ(found.settings.models, model)
    events = {"events": log.events, "head": log.head}
    fine = [
        "Everything that must hold holds.",
        f"The audit log holds {log.events} event{'s' * (log.events != 1)}; its head is {log.head}.",
    ]
    output.result({"ok": not breaches, "breaches": breaches, "audit": events}, breaches or fine)
    if breaches:
        raise Refused(f"{len(breaches)} breaches found.")
    return 0


def _few(breaches: list[str]) -> list[str]:
    """The first ones, and how many more there are; `verify-ledger` lists them all."""
    more = [f"{len(breaches) - SHOWN} more breaches of the ledger: verify-ledger lists them"]
    return breaches if len(breaches) <= SHOWN else breaches[:SHOWN] + more


def files_that_differ(models: Path, model: "Champion") -> list[str]:
    """I9: each file of a champion stands in the models folder with the SHA-256 of its manifest."""
    if not model.manifest:
        return [f"I9 champion {model.title} has no files in its manifest"]
    breaches = []
    for name, wanted in sorted(model.manifest.items()):
        path = models / model.folder / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            breaches.append(f"I9 champion {model.title}: {path} cannot be read: {error.strerror}")
            continue
        if found != wanted:
            breaches.append(f"I9 champion {model.title}: {path} has another SHA-256 than its manifest")
    return breaches


def build_assets(_asked: argparse.Namespace, _settings: Settings, output: Output) -> int:
    from dashapp import assets_build

    made = assets_build.build()
    output.result({"made": [str(path) for path in made]}, [])
    return 0
