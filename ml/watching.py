"""Watching champions: whether what they see or how they do has drifted, whether they grew too old, when to train again.

A champion that drifted is demoted, and so is a proven one past its age; both stand in the audit log. A family is
trained again when its schedule says so, and once after a demotion where its schedule says that too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core import cron
from core.clock import to_ms
from core.errors import Refused
from core.timeframe import parse as parse_timeframe
from db.queries import audit, markets, retraining, scorecards, trained_models
from db.tables import AuditEvent, Retraining, TrainedModel
from ml import config, drift, evaluation, reference, registry, scorekeeping, training_outlook
from ml.drift import Cusum, Report, Shift
from ml.scorecard import FORM

RECENT = timedelta(days=120)  # of settled calls the CUSUM walks over
REFUSED = "retraining_refused"


@dataclass(frozen=True, slots=True)
class Due:
    """A training to be asked for: its arguments, and why.

    `refused`: why it cannot be done as things are, for the person `owner_id`, who is told by asking all the same.
    """

    family: str
    args: dict[str, Any]
    why: str
    refused: str = ""
    owner_id: int | None = None


def look_at(session: Session, model: TrainedModel, *, now: datetime, max_age_days: int) -> Report:
    """Judge one champion, keep the report, and demote it where it has to be."""
    then = reference.of(session, model)
    seen: dict[str, list[Shift]] = {}
    unseen = []
    for name in model.markets if then.usual else []:
        live = reference.live(session, name, model.timeframe, drift.LIVE, now_ms=to_ms(now))
        if live is None or int(np.isfinite(live).all(axis=1).sum()) < drift.LIVE // 2:
            unseen.append(name)
        else:
            seen[name] = drift.compare(then.usual, live)
    found = drift.judge(seen, unseen, _scores(session, model, now))
    scorecards.keep_report(session, model.id, scorecards.DRIFT, found.state, found.to_dict())
    if because := _reason(model, found, now, max_age_days):
        registry.demote(session, model, because, now=now, max_age_days=max_age_days)
    return found


def _reason(model: TrainedModel, found: Report, now: datetime, max_age_days: int) -> str:
    """Why a champion is to be demoted, or nothing."""
    if model.demoted_at is None and found.state == "drifted":
        return found.reason
    age = (now - model.created_at).days
    if model.proven and age >= max_age_days:
        return f"It was trained {age} days ago; after {max_age_days} a proof has expired. Train it again."
    return ""


def _scores(session: Session, model: TrainedModel, now: datetime) -> Cusum | None:
    """The CUSUM over lately settled calls in all of the model's own markets, real or simulated as the model is."""
    base = np.asarray(reference.of(session, model).habits.base_rates)
    times, worse = [], []
    for market_id in scorecards.markets_of(session, model.id):
        if markets.by_id(session, market_id).simulated and not model.simulated:
            continue
        rows = scorecards.settled_rows(session, model.id, market_id, since=now - RECENT)
        calls = scorekeeping.arrays(rows)
        q = np.tile(base, (len(calls), 1))
        against = evaluation.briers(q, evaluation.settled(calls.y, calls.ambiguous, q))
        times.append(calls.open_ms)
        worse.append(evaluation.briers(calls.p, calls.y) - against)
    if not times:
        return None
    step = parse_timeframe(model.timeframe).ms
    return drift.cusum(np.concatenate(times), np.concatenate(worse), horizon=model.horizon, step_ms=step)


def trainings_due(session: Session, *, now: datetime) -> list[Due]:
    """What schedules ask for now; each slot and each demotion once.

    A family whose barriers lie too near the costs is refused by its training: its schedule says so once, then rests
    until they lie further off, or until somebody changes it.
    """
    found = []
    for plan in retraining.table(session):
        champion = trained_models.champion(session, plan.name)
        if champion is None:
            continue
        slot, why = _slot(plan, champion, now)
        if slot is not None and retraining.claim(session, plan.name, slot):
            due = Due(plan.name, training_args(champion), why, *_refused(session, plan, champion, now))
            if not due.refused or refusal(session, plan) is None:
                found.append(due)
    return found


def _refused(session: Session, plan: Retraining, champion: TrainedModel, now: datetime) -> tuple[str, int | None]:
    """Why costs would eat what is to be trained, and whom that concerns; empty where they would not."""
    asked = config.from_dict(champion.config)
    try:
        training_outlook.demand(training_outlook.look(session, asked, now_ms=to_ms(now)), asked)
    except Refused as reason:
        return reason.sentence, plan.changed_by or champion.owner_id
    return "", None


def refusal(session: Session, plan: Retraining) -> AuditEvent | None:
    """The event that says why a schedule rests; None where it does not, or was changed or followed since."""
    since = audit.Wanted(text=plan.name, action=REFUSED, since=plan.changed_at)
    told = next((event for event in audit.page(session, since) if event.object == plan.name), None)
    if told is None:
        return None
    later = audit.page(session, audit.Wanted(action="training_asked", since=told.at))
    return None if any(event.detail.get("family") == plan.name for event in later) else told


def _slot(plan: Retraining, champion: TrainedModel, now: datetime) -> tuple[datetime | None, str]:
    """The newest moment the plan asks for, and in what words."""
    since = max(plan.changed_at, plan.asked_at or plan.changed_at)
    if plan.cron:
        latest = cron.parse(plan.cron).latest(now)
        if latest is not None and latest > since:
            return latest, f"schedule {plan.cron}"
    demoted = champion.demoted_at
    if plan.on_drift and demoted is not None and (plan.asked_at is None or plan.asked_at < demoted):
        return demoted, "the champion was demoted"
    return None, ""


def training_args(model: TrainedModel) -> dict[str, Any]:
    """What a training has to be asked for to train a family as this version was, on newer candles."""
    asked = config.from_dict(model.config)
    kept = ("scheme", "folds", "train_days", "stride", "cost")
    walk = {name: model.config[name] for name in kept if name in model.config} if asked.walks else {}
    return {
        "markets": list(asked.markets),
        "timeframe": asked.timeframe,
        "horizon": asked.horizon,
        "epochs": asked.epochs,
        "seeds": len(asked.seeds),
        **walk,
    }


def note_asked(session: Session, due: Due, job_id: str) -> None:
    """Write down that a training was asked for, and why; or that the schedule rests."""
    if due.refused:
        detail = {"why": due.why, "because": due.refused}
        audit.record(
            session, actor_id=None, actor=audit.SYSTEM, action=REFUSED, object=due.family, result="failed",
            detail=detail,
        )  # fmt: skip
        return
    detail = {"family": due.family, "why": due.why}
    audit.record(
        session, actor_id=None, actor=audit.SYSTEM, action="training_asked", object=f"job {job_id}", detail=detail
    )


def redraw(session: Session) -> int:
    """Draw up scorecards that miss settled calls, or whose form is of an older Bolt."""
    return scorekeeping.refresh(session, scorecards.outdated(session, form=FORM))
