"""What the audit log holds of a family of models: who served when, and why."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.tables import AuditEvent


def of(session: Session, name: str, actions: Iterable[str]) -> Sequence[AuditEvent]:
    """Entries of these kinds about any version of a family, oldest first."""
    mine = AuditEvent.object.startswith(f"{name} v", autoescape=True)
    query = select(AuditEvent).where(AuditEvent.action.in_(list(actions)), mine)
    return session.scalars(query.order_by(AuditEvent.id)).all()
