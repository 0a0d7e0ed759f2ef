"""Numbers for Prometheus, and who may read them."""

import subprocess
import sys

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from core import cache
from core.roles import Role
from tests.web import OWNER, SignIn, make_app, settings_for

TOKEN = "metrics-token-of-this-desk"


@pytest.fixture
def scraped(postgres, owner: int) -> FlaskClient:
    """An application whose metrics a token opens."""
    return make_app(settings_for(postgres.url, METRICS_TOKEN=TOKEN)).test_client()


def test_s28_strangers_see_no_metrics(client: FlaskClient, owner: int) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {TOKEN}"},
    ):
        assert client.get("/metrics", headers=headers).status_code == 404


def test_s28_viewers_and_analysts_see_no_metrics(signed_in: SignIn) -> None:
    assert signed_in(Role.VIEWER).get("/metrics").status_code == 404
    assert signed_in(Role.ANALYST).get("/metrics").status_code == 404


def test_an_admin_may_look(signed_in: SignIn) -> None:
    assert signed_in(Role.ADMIN).get("/metrics").status_code == 200


def test_a_token_opens_the_metrics(scraped: FlaskClient) -> None:
    assert scraped.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 404
    assert scraped.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def families(text: str) -> dict:
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_requests_are_counted_by_endpoint_and_never_by_person(signed_in: SignIn) -> None:
    client = signed_in()
    client.get("/profile")
    client.get("/charts/secret/ONE-USDT")
    text = client.get("/metrics").text
    found = families(text)
    assert all(name.startswith("bolt_") for name in found)
    counted = {(s.labels["method"], s.labels["status"]) for s in found["bolt_http_request"].samples}
    assert ("GET", "200") in counted
    assert OWNER not in text
    assert "secret" not in text
    endpoints = {s.labels.get("endpoint") for s in found["bolt_http_request_duration_seconds"].samples}
    assert "profile.show" in endpoints


def test_every_metric_has_a_help_line(signed_in: SignIn) -> None:
    assert all(family.documentation for family in families(signed_in().get("/metrics").text).values())


def test_two_applications_count_apart(app: Flask, postgres) -> None:
    other = make_app(settings_for(postgres.url))
    assert other.extensions["bolt_registry"] is not app.extensions["bolt_registry"]


def test_several_processes_share_their_numbers(tmp_path, postgres, database) -> None:
    code = f"""
from tests.web import make_app, settings_for
client = make_app(settings_for({postgres.url!r}, METRICS_TOKEN={TOKEN!r})).test_client()
client.get("/health/live")
print(client.get("/metrics", headers={{"Authorization": "Bearer {TOKEN}"}}).text)
"""
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PATH": ""}
    for seen in (1, 2):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        counted = families(done.stdout)["bolt_http_request"].samples
        assert sum(s.value for s in counted if s.labels["status"] == "200") == 2 * seen - 1


def test_hits_and_misses_of_caches_are_told(scraped: FlaskClient) -> None:
    for counter, word in ((cache.HITS, "hits"), (cache.MISSES, "misses")):
        counter.labels("candles").inc()
        text = scraped.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        assert f'bolt_cache_{word}_total{{cache="candles"}}' in text
