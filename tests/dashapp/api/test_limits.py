"""How often the API may be asked: by an account, from an address, and while Redis is away."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from core.roles import Role
from dashapp.api import limits
from dashapp.api.limits import PER_ADDRESS, Counter, OwnCounts
from tests.api import asker, is_problem, login
from tests.web import OWNER, add_user, make_app, settings_for

NOW = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
AWAY = "redis://127.0.0.1:1/0"


def small(settings, **more: str):
    return make_app(settings_for(settings.database_url, settings.redis_url, RATE_LIMIT_API="2/min", **more))


def test_an_address_has_a_limit_of_its_own_however_many_accounts_ask_from_it(
    settings, owner: int, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = small(settings, RATE_LIMIT_AUTH="1000")
    emails = [f"u{n}@example.org" for n in range(PER_ADDRESS)]
    for email in emails:
        add_user(session, email, Role.VIEWER)
    roomy = make_app(settings_for(settings.database_url, "", RATE_LIMIT_API="1000"))
    tokens = [login(roomy, email)["access_token"] for email in emails]
    noon = datetime.now(UTC).replace(second=30)
    monkeypatch.setattr("dashapp.api.guard.utc_now", lambda: noon)
    asks = [asker(app, token) for token in tokens]
    answers = [ask("GET", "/markets") for ask in asks for _ in range(2)]
    assert {a.status_code for a in answers} == {200}, "each account within its own limit"
    for ask in (*asks, asker(app, None), asker(app, "made-up")):
        refused = ask("GET", "/markets")
        assert is_problem(refused, 429)
        assert refused.headers["RateLimit-Policy"] == f'"address";q={2 * PER_ADDRESS};w=60'
        assert int(refused.headers["Retry-After"]) == 30
    elsewhere = asks[0]("GET", "/openapi.json", environ_overrides={"REMOTE_ADDR": "192.0.2.9"})
    assert elsewhere.status_code == 200


def test_without_redis_a_process_keeps_the_limit_by_its_own_counts(settings, owner: int) -> None:
    alone = make_app(settings_for(settings.database_url, AWAY, RATE_LIMIT_API="3/min"))
    ask = asker(alone, None)
    answers = [ask("GET", "/openapi.json").status_code for _ in range(8)]
    assert answers[0] == 200
    assert 429 in answers


def test_while_redis_is_away_every_request_is_counted_and_a_minute_later_anew() -> None:
    counter = Counter(AWAY)
    left = [counter.count("user:1", limit=3, now=NOW).left for _ in range(4)]
    assert left == [2, 1, 0, -1]
    assert counter.count("user:2", limit=3, now=NOW).left == 2
    assert counter.count("user:1", limit=3, now=NOW + timedelta(minutes=1)).left == 2


def test_with_redis_the_processes_count_together(redis_url: str) -> None:
    one, other = Counter(redis_url), Counter(redis_url)
    assert [c.count("user:1", limit=9, now=NOW).left for c in (one, other, one)] == [8, 7, 6]


def test_a_process_holds_no_more_callers_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLERS", 3)
    counts = OwnCounts()
    assert [counts.add(f"address:{n}", 1) for n in range(3)] == [1, 1, 1]
    assert [counts.add(f"address:{n}", 1) for n in range(3, 6)] == [1, 2, 3]
    assert counts.add("address:0", 1) == 2


def test_the_owner_is_counted_as_an_account_and_not_as_their_address(settings, owner: int) -> None:
    app = small(settings)
    ask = asker(app, login(app, OWNER)["access_token"])
    policy = ask("GET", "/markets").headers["RateLimit-Policy"]
    assert policy == '"api";q=2;w=60'
