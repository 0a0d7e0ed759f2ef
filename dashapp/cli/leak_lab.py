"""`leak-lab`."""

import argparse

from core.clock import to_ms, utc_now
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add


def register(add: Add) -> None:
    lab = add("leak-lab", leak_lab, "Examine a model version for knowledge of the future.")
    lab.add_argument("model", nargs="+", metavar="MODEL", help="such as `binance-btc-usdt-1h-h24 v3`, `…@3`, or its id")


def leak_lab(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Exit 0 when the report is green, 1 where it is not, each alarm a line. The report stays with the version."""
    import db.engine
    from db.queries import audit, trained_models
    from ml import leak_examination, leak_verdict

    with attached(settings, output) as found:
        with db.engine.session() as session:
            model = trained_models.named(session, " ".join(asked.model))
            title = f"{model.name} v{model.version}"
        report = leak_examination.examine(
            db.engine.session,
            model.id,
            models=found.settings.models,
            now_ms=to_ms(utc_now()),
            on_check=lambda fraction, what: output.note(f"{100 * fraction:3.0f} %  {what}"),
        )
        with db.engine.session() as session:
            days = found.settings.model_max_age_days
            leak_verdict.conclude(session, model.id, report, now=utc_now(), max_age_days=days)
            audit.by_command(session, "model_examined", title, found=report.state)
    lines = [f"Leak lab of {title}: {report.state}."]
    lines += [
        f"{'pass' if check.passed else 'FAIL'}  {check.title}: {check.value}. {check.detail}".rstrip()
        for check in report.checks
    ]
    lines += [line for line in (report.looked, report.note) if line]
    output.result({"model": title, "leak_lab": report.state, **report.to_dict()}, lines)
    return 0 if report.green else 1
