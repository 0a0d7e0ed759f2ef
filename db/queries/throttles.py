"""Failed guesses, counted in PostgreSQL so that a flushed Redis forgets none.

An attempt is counted before it is tried and given back when it was right: parallel guesses can't slip through.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.addresses import origin
from db.queries.expired import sweep
from db.tables import Throttle

FORGET = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """`limit` guesses per `window`; a `doubling` pause begins at a minute, any other lasts until the window ends."""

    limit: int
    window: timedelta
    doubling: bool
    longest: timedelta = timedelta(minutes=15)


ACCOUNT = Rule(limit=5, window=timedelta(hours=1), doubling=True)
ADDRESS = Rule(limit=20, window=timedelta(minutes=5), doubling=False)


def account_key(email: str) -> str:
    """The key of an account, known or not: a hash, so that the table holds no list of what people typed."""
    return "account:" + hashlib.sha256(email.encode()).hexdigest()


def address_key(address: str) -> str:
    """The key of a caller's address; of IPv6 that of its /64."""
    return f"address:{origin(address)}"


def claim(session: Session, key: str, rule: Rule, *, now: datetime) -> datetime | None:
    """Count one attempt; where none is free now, count nothing and return when to come back.

    Two claims are two transactions: one that sweeps and then waits for another row could wait for ever.
    """
    put = insert(Throttle).values(key=key, failures=0, since=now)
    # An update that changes nothing holds the row, or another's `forget` could remove it before it is read.
    session.execute(put.on_conflict_do_update(index_elements=[Throttle.key], set_={"key": put.excluded.key}))
    row = session.get_one(Throttle, key, with_for_update=True, populate_existing=True)
    if row.blocked_until and row.blocked_until > now:
        return row.blocked_until
    if now - row.since >= rule.window:
        row.failures, row.since = 0, now
    row.failures += 1
    if rule.doubling:
        row.since = now  # guesses are forgotten only after a quiet window
    row.blocked_until = _pause_end(row, rule, now)
    session.flush()
    sweep(session, Throttle, and_(Throttle.since < now - FORGET, Throttle.key != key))
    return None


def _pause_end(row: Throttle, rule: Rule, now: datetime) -> datetime | None:
    """Set already at the last free attempt, for the ones after it."""
    if row.failures < rule.limit:
        return None
    if not rule.doubling:
        return row.since + rule.window
    minutes = 2 ** min(row.failures - rule.limit, 10)  # beyond 2^10 the longest pause holds anyway
    return now + min(timedelta(minutes=minutes), rule.longest)


def give_back(session: Session, key: str) -> None:
    """The attempt was right: it does not count."""
    row = session.get(Throttle, key, with_for_update=True, populate_existing=True)
    if row is not None:
        row.failures, row.blocked_until = max(0, row.failures - 1), None


def proved(session: Session, address: str, email: str) -> None:
    """Somebody proved to be the holder of an account, from this address: in the order in which tries are counted."""
    give_back(session, address_key(address))
    forget(session, account_key(email))


def forget(session: Session, key: str) -> None:
    """The holder has proved to be the holder: all earlier failures are forgotten."""
    session.execute(delete(Throttle).where(Throttle.key == key))
