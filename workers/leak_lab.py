"""Examining a model version in the leak lab."""

from core.clock import to_ms, utc_now
from ml import leak_examination, leak_verdict
from workers.context import JobContext


def examine_model(context: JobContext, model_id: int) -> None:
    """Run every check on a version and keep the report with it. Raises NotFound, NotEnoughData, ModelUnavailable."""

    def on_check(fraction: float, title: str) -> None:
        context.check_cancelled()
        context.progress(fraction, title)

    report = leak_examination.examine(
        context.session, model_id, models=context.settings.models, now_ms=to_ms(utc_now()), on_check=on_check
    )
    context.progress(1.0, "Done")
    with context.publish(report.to_dict() | {"state": report.state}) as session:
        days = context.settings.model_max_age_days
        leak_verdict.conclude(session, model_id, report, now=utc_now(), max_age_days=days)
