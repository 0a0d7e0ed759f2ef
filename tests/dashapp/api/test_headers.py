"""What every answer carries: reads an ETag and 304, everything its limits and a request id, every failure a problem."""

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core.jobs import TOP_UP
from core.market_name import MarketName
from dashapp.api.openapi import ARGUMENT
from db.queries import candles, jobs, markets
from tests.api import STEADY, Ask, asker, filled, is_problem, login, routes
from tests.candles import walk
from tests.db.test_trained_models import record
from tests.web import OWNER, make_app, settings_for

ROUTES = routes()
READS = [route for route in ROUTES if route.method == "GET"]
POLICY, LEFT = r'"[a-z]+";q=\d+;w=60', r'"[a-z]+";r=\d+;t=\d+'


@dataclass(frozen=True)
class Stocked:
    """A desk where every read finds something."""

    ask: Ask
    stranger: Ask
    described: dict
    job_id: str
    model_id: int

    def address(self, path: str) -> str:
        words = {"int": str(self.model_id), "uuid": self.job_id, "symbol": "BTC-USDT"}
        return ARGUMENT.sub(lambda found: words[found[1]], path)


@pytest.fixture
def desk(settings, app: Flask, owner: int, session: Session) -> Stocked:
    """One application for all routes of a test with roomy limits."""
    market = markets.get_or_create(session, MarketName("binance", "BTC/USDT"))
    candles.upsert(session, market.id, "1h", walk(120))
    job_id, model_id = jobs.create(session, TOP_UP, {}).id, record(session)
    session.commit()
    roomy = make_app(settings_for(settings.database_url, settings.redis_url, **STEADY))
    ask = asker(roomy, login(roomy, OWNER)["access_token"])
    return Stocked(ask, asker(roomy, None), ask("GET", "/openapi.json").get_json(), job_id, model_id)


def test_u38_every_read_promises_an_etag_and_keeps_the_promise(desk: Stocked) -> None:
    described = [methods["get"] for methods in desk.described["paths"].values() if "get" in methods]
    assert [op["operationId"] for op in described if "304" not in op["responses"]] == []
    assert [op["operationId"] for op in described if "ETag" not in op["responses"]["200"]["headers"]] == []
    assert len(described) == len(READS)
    for route in READS:
        first = desk.ask("GET", desk.address(route.path))
        assert first.status_code == 200, (route.path, first.text)
        tag = first.headers["ETag"]
        again = desk.ask("GET", desk.address(route.path), headers={"If-None-Match": tag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag), route.path
        other = desk.ask("GET", desk.address(route.path), headers={"If-None-Match": '"another"'})
        assert (other.status_code, other.data) == (200, first.data), route.path


def test_u38_every_answer_tells_its_limits_and_its_id(desk: Stocked) -> None:
    for route in READS:
        for answer in (desk.ask("GET", desk.address(route.path)), desk.stranger("GET", filled(route.path))):
            assert re.fullmatch(POLICY, answer.headers["RateLimit-Policy"]), route.path
            assert re.fullmatch(LEFT, answer.headers["RateLimit"]), route.path
            assert answer.headers["X-Request-ID"], route.path


def test_u37_every_failure_is_a_problem_with_its_limits(desk: Stocked) -> None:
    for route in ROUTES:
        if not route.public:
            refused = desk.stranger(route.method, desk.address(route.path), {})
            assert is_problem(refused, 401), route.path
            assert re.match(LEFT, refused.headers["RateLimit"]), route.path
        if route.body:
            unread = desk.ask(route.method, desk.address(route.path), data=b"{", content_type="application/json")
            assert is_problem(unread, 400), route.path
            assert re.match(LEFT, unread.headers["RateLimit"]), route.path
        if "<" in route.path:
            unknown = desk.ask(route.method, filled(route.path), {} if route.body else None)
            assert unknown.status_code in {404, 422}, (route.path, unknown.text)
            assert is_problem(unknown, unknown.status_code), route.path
        assert is_problem(desk.ask("TRACE", desk.address(route.path)), 405), route.path
