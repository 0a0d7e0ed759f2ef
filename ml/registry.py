"""Recording a version, and which one serves.

The first version of a family serves, unproven. A later one takes over when it is skilled and the champion is not, or
when neither is skilled and it saves more log loss against base rates in its own test period. The one that steps back
is retired; its files stay, as the fallback when those of the champion are damaged.
"""

from typing import Any

from sqlalchemy.orm import Session

from db.queries import audit, trained_models
from db.tables import TrainedModel
from ml.card import SKILLED, Card
from ml.config import TrainingConfig


def record(
    session: Session,
    card: Card,
    config: TrainingConfig,
    *,
    manifest: dict[str, str],
    folder: str,
    job_id: str | None = None,
    owner_id: int | None = None,
) -> TrainedModel:
    """Count the version and let it serve where the rules say so. Part of the caller's transaction."""
    version = trained_models.lock(session, card.name)
    standing = trained_models.champion(session, card.name)
    state = trained_models.CANDIDATE
    if takes_over(card, standing.card if standing else None):
        state = trained_models.CHAMPION
        if standing:
            standing.state = trained_models.RETIRED
            session.flush()
    made = TrainedModel(
        name=card.name,
        version=version,
        state=state,
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
    if state == trained_models.CHAMPION:
        _note_champion(session, made, standing)
    return made


def _note_champion(session: Session, made: TrainedModel, before: TrainedModel | None) -> None:
    """Which version serves decides what people read: the audit log keeps every change."""
    was = f"v{before.version}" if before else None
    name, detail = f"{made.name} v{made.version}", {"job": made.job_id, "before": was, "asked_by": made.owner_id}
    audit.record(session, actor_id=None, actor=audit.SYSTEM, action="champion_changed", object=name, detail=detail)


def takes_over(card: Card, champion: dict[str, Any] | None) -> bool:
    """Whether a new version serves instead of the champion whose card is given."""
    if champion is None:
        return True
    new, old = card.verdict == SKILLED, champion["verdict"] == SKILLED
    if new != old:
        return new
    return not old and _gain(card.to_dict()) > _gain(champion)


def _gain(card: dict[str, Any]) -> float:
    """Nats a call saved against base rates."""
    base = next(b for b in card["baselines"] if b["key"] == "climatology")
    return float(base["model_against"]["gain"])
