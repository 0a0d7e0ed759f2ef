"""The audit log: what is written stays, in one chain, whoever writes at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.errors import Refused
from db.queries import audit
from db.queries.audit import Wanted
from db.tables import AuditEvent


def write(session: Session, action: str = "sign_in", **more: object) -> AuditEvent:
    values = {"actor_id": 1, "actor": "mara@example.org", "ip": "127.0.0.1", **more}
    return audit.record(session, action=action, **values)  # type: ignore[arg-type]


def tamper(engine: Engine, statement: str) -> None:
    """What somebody with the server's own rights could do: the triggers are off."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement))


def test_each_event_holds_the_hash_of_the_one_before(session: Session) -> None:
    first, second = write(session), write(session, "sign_out")
    assert (first.id, second.id) == (1, 2)
    assert first.previous == audit.GENESIS
    assert second.previous == first.hash == audit.digest(first)


def test_a_log_that_was_left_alone_verifies(session: Session) -> None:
    detail = {"role": "analyst", "count": 3, "simulated": True, "none": None, "share": 0.1, "name": "Zoë 漢字"}
    write(session, detail=detail)
    last = write(session, "sign_out")
    session.commit()
    assert audit.verify(session) == audit.Chain(2, last.hash, [])


def test_an_empty_log_verifies(session: Session) -> None:
    assert audit.verify(session) == audit.Chain(0, audit.GENESIS, [])


@pytest.mark.parametrize(
    ("statement", "breach"),
    [
        ("UPDATE audit_events SET actor = 'somebody else' WHERE id = 2", "audit event 2 was changed"),
        ("UPDATE audit_events SET at = at + interval '1 microsecond' WHERE id = 2", "audit event 2 was changed"),
        ('UPDATE audit_events SET detail = \'{"role": "admin"}\' WHERE id = 2', "audit event 2 was changed"),
        ("DELETE FROM audit_events WHERE id = 2", "audit event 2 is missing"),
        ("DELETE FROM audit_events WHERE id = 1", "audit event 1 is missing"),
    ],
)
def test_what_was_changed_behind_the_desk_is_found(
    session: Session, database: Engine, statement: str, breach: str
) -> None:
    for action in ("sign_in", "role", "sign_out"):
        write(session, action)
    session.commit()
    tamper(database, statement)
    assert audit.verify(session).breaches == [breach]


def test_an_event_that_was_written_anew_with_its_hash_breaks_the_chain_after_it(
    session: Session, database: Engine
) -> None:
    for _ in range(3):
        write(session)
    session.commit()
    forged = AuditEvent(id=2, at=datetime.now(UTC), actor_id=9, actor="x", action="x", object="", ip="", result="ok")
    forged.detail, forged.previous = {}, session.get_one(AuditEvent, 1).hash
    tamper(
        database,
        f"UPDATE audit_events SET at = '{forged.at.isoformat()}', actor_id = 9, actor = 'x', action = 'x', ip = '',"
        f" hash = '{audit.digest(forged)}' WHERE id = 2",
    )
    session.expire_all()
    assert audit.verify(session).breaches == ["audit event 3 does not follow the one before it"]


def test_many_breaches_are_not_all_listed(session: Session, database: Engine) -> None:
    for _ in range(25):
        write(session)
    session.commit()
    tamper(database, "UPDATE audit_events SET actor = 'x'")
    assert audit.verify(session).breaches[-1] == "5 more breaches of the audit log"


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events"]
)
def test_nothing_is_changed_or_deleted(session: Session, statement: str) -> None:
    write(session)
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement))


def test_writers_at_the_same_time_make_one_chain(database: Engine) -> None:
    def work(number: int) -> None:
        with Session(database) as own:
            write(own, f"action {number}")
            own.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    with Session(database) as own:
        chain = audit.verify(own)
    assert (chain.events, chain.breaches) == (24, [])


def test_an_event_falls_with_its_transaction_and_leaves_no_hole(session: Session) -> None:
    write(session)
    session.commit()
    write(session, "undone")
    session.rollback()
    assert write(session, "kept").id == 2


def test_long_and_unprintable_words_are_made_fit(session: Session) -> None:
    made = write(session, object="a\x00b\n" + "c" * 999, detail={"agent": "d" * 999})
    session.commit()
    assert made.object.startswith("a b c")
    assert len(made.object) == len(made.detail["agent"]) == audit.LONGEST
    assert audit.verify(session).breaches == []


def test_events_are_found_by_word_result_action_and_person(session: Session) -> None:
    write(session, "sign_in", result="failed", ip="10.0.0.9")
    write(session, "role", object="user jonas@example.org", actor_id=2, actor="olga@example.org")
    write(session, "sign_in")

    def found(**words: object) -> list[int]:
        return [event.id for event in audit.page(session, Wanted(**words))]  # type: ignore[arg-type]

    assert found() == [3, 2, 1]
    assert found(text="JONAS") == [2]
    assert found(text="10.0.0.9") == [1]
    assert found(text="%") == []
    assert found(result="failed") == [1]
    assert found(action="sign_in") == [3, 1]
    assert found(actor_id=2) == [2]
    assert found(since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert audit.count(session, Wanted(action="sign_in")) == 2
    assert audit.actions(session) == ["role", "sign_in"]


def test_events_are_sorted_and_paged(session: Session) -> None:
    for actor in ("b", "c", "a"):
        write(session, actor=actor)
    sorted_ = audit.page(session, Wanted(), sort="actor", descending=False)
    assert [event.actor for event in sorted_] == ["a", "b", "c"]
    assert [event.actor for event in audit.page(session, Wanted(), start=1, limit=1)] == ["c"]
    with pytest.raises(Refused, match="sorted by at"):
        audit.page(session, Wanted(), sort="hash; DROP")
    assert [event.id for event in audit.stream(session, Wanted())] == session.scalars(
        select(AuditEvent.id).order_by(AuditEvent.id)
    ).all()
