"""`verify-ledger`."""

import argparse
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from core.clock import utc_now
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.queries.ledger import Breach, Ledger

SHOWN = 100  # calls of a kind that are named


def register(add: Add) -> None:
    add("verify-ledger", verify_ledger, "Prove that no call and no outcome was changed, dropped or written late.")


def verify_ledger(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Exit 0 when all chains are whole, 1 with every offending row as a line; notices do not change the exit."""
    import db.engine
    from db.queries import ledger, outcome_revisions

    with attached(settings, output), db.engine.session() as session:
        found = ledger.verify(session)
        withheld, waiting = _open_calls(session, utc_now())
        revised, resting = outcome_revisions.notices(session)
    breaches, notices = found.breaches + withheld[:SHOWN], found.outcomes.notices + waiting[:SHOWN] + resting
    document = {
        "ok": not breaches,
        "calls": found.calls.rows,
        "outcomes": found.outcomes.rows,
        "baselines": found.baselines.rows,
        "heads": {
            "predictions": found.calls.head,
            "prediction_outcomes": found.outcomes.head,
            "prediction_baselines": found.baselines.head,
        },
        "breaches": [asdict(breach) for breach in breaches],
        "settled_late": found.outcomes.slow,
        "unsettled": len(withheld) + len(waiting),
        "revised": revised.calls,
        "revised_otherwise": revised.otherwise,
        "notices": [asdict(notice) for notice in notices],
    }
    said = [breach.sentence for breach in breaches] or _whole(found)
    output.result(document, said + [f"Notice: {notice.sentence}" for notice in notices] + _more(document))
    return 1 if breaches else 0


def _open_calls(session: "Session", now: datetime) -> "tuple[list[Breach], list[Breach]]":
    """Overdue calls: those whose candles are there, so that nothing excuses the wait, and those that cannot be settled.

    After `settling.PATIENCE` a call stays open for good and is counted as never settled: a notice for ever.
    """
    from db.queries import ledger
    from db.queries.ledger import Breach
    from ml import settling

    could = set(settling.overdue(session, now=now))
    withheld, waiting = [], []
    for call in ledger.unsettled(session, now=now):
        told = f"call {call.id} (row {call.seq} of predictions), due {call.due_at:%Y-%m-%d %H:%M} UTC,"
        if call.id in could:
            words = f"{told} has no outcome though its candles are there: the job that settles does not run"
            withheld.append(Breach("predictions", "withheld", call.seq, call.id, words))
        elif call.due_at <= now - settling.PATIENCE:
            words = f"{told} was not settled within {settling.PATIENCE.days} days and stays open for good"
            waiting.append(Breach("predictions", "never_settled", call.seq, call.id, words))
        else:
            words = f"{told} waits for candles that are missing"
            waiting.append(Breach("predictions", "waiting", call.seq, call.id, words))
    return withheld, waiting


def _whole(found: "Ledger") -> list[str]:
    return [
        f"The ledger is whole: {found.calls.rows:,} calls, {found.outcomes.rows:,} outcomes, "
        f"{found.baselines.rows:,} forecasts of baselines beside calls.",
        f"Newest call {found.calls.head}",
        f"Newest outcome {found.outcomes.head}",
        f"Newest baseline {found.baselines.head}",
        "Note them elsewhere: the same lines later prove that nothing before them was changed.",
    ]


def _more(document: dict[str, object]) -> list[str]:
    """How many notices there are in all, where there are any."""
    late, never = document["settled_late"], document["unsettled"]
    revised, otherwise = document["revised"], document["revised_otherwise"]
    said = [f"In all {late:,} settled late, {never:,} overdue without an outcome."] if late or never else []
    if revised:
        said.append(
            f"In all {revised:,} of {document['outcomes']:,} outcomes rest on candles that were revised later; "
            f"{otherwise:,} would be others now. They stay as they were written."
        )
    return said
