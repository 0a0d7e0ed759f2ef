"""`verify-ledger`."""

import argparse
from dataclasses import asdict

from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add


def register(add: Add) -> None:
    add("verify-ledger", verify_ledger, "Prove that no call and no outcome was changed, dropped or written late.")


def verify_ledger(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Exit 0 when both chains are whole, 1 with every offending row as a line."""
    import db.engine
    from db.queries import ledger

    with attached(settings, output), db.engine.session() as session:
        found = ledger.verify(session)
    breaches = found.breaches
    document = {
        "ok": not breaches,
        "calls": found.calls.rows,
        "outcomes": found.outcomes.rows,
        "heads": {"predictions": found.calls.head, "prediction_outcomes": found.outcomes.head},
        "breaches": [asdict(breach) for breach in breaches],
    }
    whole = [
        f"The ledger is whole: {found.calls.rows:,} calls, {found.outcomes.rows:,} outcomes.",
        f"Newest call {found.calls.head}",
        f"Newest outcome {found.outcomes.head}",
        "Note them elsewhere: the same lines later prove that nothing before them was changed.",
    ]
    output.result(document, [breach.sentence for breach in breaches] or whole)
    return 1 if breaches else 0
