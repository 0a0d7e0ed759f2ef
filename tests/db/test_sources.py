"""What exchanges answered last, and until when they want to be left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.queries import sources

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_nothing_is_known_before_the_first_answer(session: Session) -> None:
    assert sources.get(session, "binance") is None
    assert sources.wait_until(session, "binance", now=NOW) is None
    assert sources.all_of_them(session) == []


def test_the_last_good_answer_outlives_later_failures(session: Session) -> None:
    sources.record(session, "binance", "ok", now=NOW, latency_ms=12.5)
    sources.record(session, "binance", "down", now=NOW + timedelta(minutes=5), detail="no answer")
    found = sources.get(session, "binance")
    assert (found.state, found.detail, found.latency_ms) == ("down", "no answer", None)
    assert found.answered_at == NOW
    assert found.checked_at == NOW + timedelta(minutes=5)


def test_a_deadline_counts_until_it_has_passed(session: Session) -> None:
    until = NOW + timedelta(seconds=120)
    sources.record(session, "kraken", "waiting", now=NOW, wait_until=until)
    assert sources.wait_until(session, "kraken", now=NOW + timedelta(seconds=119)) == until
    assert sources.wait_until(session, "kraken", now=until) is None


def test_an_answer_ends_the_deadline(session: Session) -> None:
    sources.record(session, "kraken", "waiting", now=NOW, wait_until=NOW + timedelta(hours=1))
    sources.record(session, "kraken", "ok", now=NOW)
    assert sources.wait_until(session, "kraken", now=NOW) is None


def test_exchanges_are_listed_by_name(session: Session) -> None:
    for name in ("kraken", "binance"):
        sources.record(session, name, "ok", now=NOW)
    assert [row.exchange for row in sources.all_of_them(session)] == ["binance", "kraken"]


def test_an_unknown_state_is_refused(session: Session) -> None:
    with pytest.raises(IntegrityError):
        sources.record(session, "binance", "fine", now=NOW)
