"""Recording a version, and which one serves.

candidate → champion → retired. A version becomes a *proven* champion only by the promotion gate. While no version has
passed it, the best one serves *unproven*, marked so everywhere: a skilled one before others, then the one that saves
most log loss against base rates in its own test. A proven champion that drifts, or grows too old, is demoted to
unproven. The one that steps back is retired; its files stay, as the fallback when those of the champion are damaged.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.errors import ModelUnavailable, Refused
from db.queries import audit, leak_reports, trained_models
from db.tables import TrainedModel
from ml import artefacts, promotion
from ml.card import SKILLED, Card
from ml.config import TrainingConfig
from ml.leak_report import NOT_RUN, RED, Report
from ml.promotion import Gate, Rival, Sample


def record(
    session: Session,
    card: Card,
    config: TrainingConfig,
    *,
    manifest: dict[str, str],
    folder: str,
    models: Path | None = None,
    job_id: str | None = None,
    owner_id: int | None = None,
) -> TrainedModel:
    """Count the version and let it serve where the rules say so. Part of the caller's transaction.

    With the folder of models given, the version's number is written into its `card.json`, and its manifest follows.
    """
    version = trained_models.lock(session, card.name)
    if models is not None:
        manifest = artefacts.number(models, folder, manifest, version)
    made = TrainedModel(
        name=card.name,
        version=version,
        state=trained_models.CANDIDATE,
        simulated=card.simulated,
        markets=list(card.markets),
        timeframe=card.timeframe,
        horizon=card.horizon,
        config=config.to_dict(),
        card=card.numbered(version).to_dict(),
        manifest=dict(manifest),
        folder=folder,
        job_id=job_id,
        owner_id=owner_id,
    )
    session.add(made)
    session.flush()
    standing = trained_models.champion(session, card.name)
    if takes_over(made, standing):
        _serve(session, made, standing, actor_id=None, actor=audit.SYSTEM, why="", asked_by=made.owner_id)
    return made


def takes_over(new: TrainedModel, champion: TrainedModel | None) -> bool:
    """Whether a version serves, unproven, instead of the champion. A proven one yields to nothing but the gate."""
    if champion is None:
        return True
    if champion.demoted_at is not None:
        return new.card.get("leak_lab") != RED or champion.card.get("leak_lab") == RED
    return not champion.proven and worth(new.card) > worth(champion.card)


def worth(card: dict[str, Any]) -> tuple[bool, bool, bool, float]:
    """What unproven versions are ordered by: no red leak report, no quick look, skill, then nats a call saved."""
    base = next(b for b in card["baselines"] if b["key"] == "climatology")
    skilled, gain = card["verdict"] == SKILLED, float(base["model_against"]["gain"])
    return card.get("leak_lab") != RED, not card.get("quick_look", True), skilled, gain


def gate_of(session: Session, model: TrainedModel, *, models: Path) -> Gate:
    """The promotion gate of a version as it stands now, every line with its value."""
    standing = trained_models.champion(session, model.name)
    rival = None
    if standing is not None and standing.id != model.id:
        rival = Rival(f"v{standing.version}", tuple(standing.markets), _sample(models, standing))
    kept = leak_reports.find(session, model.id)
    leaks = NOT_RUN if kept is None else Report.from_dict(kept.report).state
    walked = _sample(models, model) if artefacts.OOS in model.manifest else None
    return promotion.gate(Card.from_dict(model.card), walked, rival, leaks=leaks)


def _sample(models: Path, model: TrainedModel) -> Sample | None:
    """The rows out of sample of a version: of its walk-forward, else of its test period; None where there are none."""
    for name, read in ((artefacts.OOS, Sample.of_walk), (artefacts.LABELS, Sample.of_test)):
        if name in model.manifest:
            try:
                return read(artefacts.read_checked(models, model.folder, name, model.manifest))
            except ModelUnavailable:
                return None
    return None


def promote(
    session: Session, model: TrainedModel, *, models: Path, actor_id: int | None, actor: str, ip: str = ""
) -> Gate:
    """Make a version the proven champion. Raises Refused naming the first line of the gate that does not pass."""
    trained_models.lock(session, model.name)
    session.refresh(model)
    if model.proven:
        raise Refused(f"{title(model)} is the champion already, and proven.")
    found = gate_of(session, model, models=models)
    if not found.passed:
        lines = "; ".join(f"{line.title.lower()}: {line.value}" for line in found.open)
        raise Refused(f"{title(model)} cannot be promoted. {lines[0].upper()}{lines[1:]}.")
    standing = trained_models.champion(session, model.name)
    model.proven, model.demoted_at, model.demoted_because = True, None, None
    values = {line.key: line.value for line in found.lines}
    _serve(session, model, standing, actor_id=actor_id, actor=actor, ip=ip, why="passed the promotion gate", **values)
    return found


def demote(
    session: Session, model: TrainedModel, because: str, *, now: datetime, max_age_days: int | None = None
) -> TrainedModel:
    """Take a champion's proof away; the best other version that was never demoted serves in its place, if any.

    One trained `max_age_days` ago or before does not: what was wrong with the old one may be wrong with it as well.
    Returns the version that serves now, which may be the same one, unproven. Written to the audit log.
    """
    trained_models.lock(session, model.name)
    session.refresh(model)
    if model.state != trained_models.CHAMPION:
        raise Refused(f"{title(model)} is not the champion; only a champion can be demoted.")
    model.proven, model.demoted_at, model.demoted_because = False, now, because
    session.flush()
    audit.record(
        session, actor_id=None, actor=audit.SYSTEM, action="champion_demoted", object=title(model),
        detail={"because": because},
    )  # fmt: skip
    youngest = now - timedelta(days=max_age_days) if max_age_days is not None else None
    others = [
        v
        for v in trained_models.versions(session, model.name)
        if v.id != model.id and v.demoted_at is None and (youngest is None or v.created_at > youngest)
    ]
    if not others:
        return model
    best = max(others, key=lambda v: worth(v.card))
    _serve(session, best, model, actor_id=None, actor=audit.SYSTEM, why="the champion was demoted")
    return best


def _serve(
    session: Session,
    model: TrainedModel,
    before: TrainedModel | None,
    *,
    actor_id: int | None,
    actor: str,
    why: str,
    ip: str = "",
    **detail: Any,
) -> None:
    """Which version serves decides what people read: the audit log keeps every change."""
    was = None
    if before is not None and before.id != model.id:
        before.state, before.proven = trained_models.RETIRED, False
        was = f"v{before.version}"
        session.flush()
    model.state = trained_models.CHAMPION
    session.flush()
    told = {"job": model.job_id, "before": was, "proven": model.proven} | ({"why": why} if why else {}) | detail
    audit.record(
        session, actor_id=actor_id, actor=actor, action="champion_changed", object=title(model), ip=ip, detail=told
    )


def title(model: TrainedModel) -> str:
    return f"{model.name} v{model.version}"
