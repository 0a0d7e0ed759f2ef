"""What a leak report changes of what is believed about a version.

A red report takes a verdict of skill away, and the champion's place from a champion; both are written down. A report
of an examination that was not comparable does not take the place of one that was: it saw less.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.clock import to_ms
from db.queries import audit, leak_reports, trained_models
from db.tables import TrainedModel
from ml import registry, verdict
from ml.card import SKILLED, Baseline
from ml.card_parts import Change
from ml.leak_report import COMPARED_LESS, RED, Report


def conclude(session: Session, model_id: int, report: Report, *, now: datetime, max_age_days: int) -> TrainedModel:
    """Keep the report and believe what follows from it. Part of the caller's transaction; raises NotFound.

    A champion's place is not given to a version that was trained `max_age_days` ago or before.
    """
    model = trained_models.get(session, model_id)
    trained_models.lock(session, model.name)
    session.refresh(model)
    if report.state == COMPARED_LESS and _compared(session, model_id):
        return model
    leak_reports.store(session, model_id, report.to_dict(), green=report.green)
    was = model.card["verdict"]
    model.card = _marked(model.card, report, at_ms=to_ms(now))
    session.flush()
    if (claimed := model.card["verdict"]) != was:
        detail = {"before": was, "verdict": claimed, "because": f"leak lab {report.state}"}
        audit.record(
            session, actor_id=None, actor=audit.SYSTEM, action="verdict_changed",
            object=registry.title(model), detail=detail,
        )  # fmt: skip
    if report.state == RED and model.state == trained_models.CHAMPION and model.demoted_at is None:
        because = f"The leak lab is red: {report.alarms[0].title.lower()} failed."
        registry.demote(session, model, because, now=now, max_age_days=max_age_days)
    return model


def _compared(session: Session, model_id: int) -> bool:
    """Whether a report stands that saw everything."""
    kept = leak_reports.find(session, model_id)
    return kept is not None and Report.from_dict(kept.report).state != COMPARED_LESS


def _marked(card: dict[str, Any], report: Report, *, at_ms: int) -> dict[str, Any]:
    """The card as it reads with this report. One from before `skill_shown` can lose its verdict, not win it."""
    state, was = report.state, card["verdict"]
    told = f"{leak_reports.LINE}{state}{'.' if report.green else '; a verdict of skill needs a green report.'}"
    reasons = [told if line.startswith(leak_reports.LINE) else line for line in card.get("reasons", [])]
    claimed = verdict.verdict(bool(card.get("skill_shown", was == SKILLED)), state)
    beside = [Baseline.from_dict(b) for b in card["baselines"]]
    better = verdict.better_than_simple_models(claimed == SKILLED, beside)
    changed = {"leak_lab": state, "reasons": reasons, "verdict": claimed, "better_than_simple_models": better}
    if claimed != was:
        change = Change(at_ms, was, claimed, f"leak lab {state}")
        changed["history"] = [*card.get("history", []), change.to_dict()]
    return card | changed
