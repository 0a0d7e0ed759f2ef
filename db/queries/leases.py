"""Leases: a role that exactly one process holds, and the slots of the schedule that were enqueued."""

from datetime import datetime

from sqlalchemy import delete, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables.jobs import Lease, ScheduleSlot


def take(session: Session, name: str, holder: str, *, seconds: float) -> bool:
    """Take or keep a lease for so many seconds; False while somebody else holds it."""
    until = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    put = insert(Lease).values(name=name, holder=holder, expires_at=until)
    put = put.on_conflict_do_update(
        index_elements=[Lease.name],
        set_={"holder": holder, "expires_at": until},
        where=or_(Lease.holder == holder, Lease.expires_at < func.now()),
    )
    return session.scalar(put.returning(Lease.name)) is not None


def give_up(session: Session, name: str, holder: str) -> None:
    """Let the next one have it at once."""
    session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))


def current(session: Session, name: str) -> Lease | None:
    """Who holds it, and until when; the holder renews it as long as it lives."""
    return session.get(Lease, name, populate_existing=True)


def claim_slot(session: Session, name: str, slot: datetime) -> bool:
    """True for the one caller who may enqueue this slot; False for it and every earlier one afterwards."""
    put = insert(ScheduleSlot).values(name=name, slot=slot)
    put = put.on_conflict_do_update(
        index_elements=[ScheduleSlot.name], set_={"slot": slot}, where=ScheduleSlot.slot < slot
    )
    return session.scalar(put.returning(ScheduleSlot.name)) is not None
