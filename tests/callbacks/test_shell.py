"""Status line, notices, palette and look, posted as the browser posts them."""

import json
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from callbacks import shell
from core.jobs import IMPORT_FILE, TRAIN_MODEL, JobState
from core.market_name import make
from core.roles import Role
from db.queries import jobs, markets, status, users
from db.queries.status import Status
from db.tables import Job, SourceHealth
from ml.card import NO_SKILL, SKILLED
from tests.fire import fire, toasts, wired
from tests.web import SignIn

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)
QUIET = Status((), demo=False, models=0, last_call=None, running=0, queued=0)
TICK = {"shell-tick.n_intervals": 1}


def health(session: Session, **states: str) -> None:
    for name, state in states.items():
        session.add(SourceHealth(exchange=name, state=state, checked_at=NOW))
    session.commit()


def finished(session: Session, owner: int, state: JobState, **more: object) -> Job:
    job = jobs.create(session, TRAIN_MODEL, {}, owner_id=owner)
    session.flush()
    job.state, job.finished_at = state.value, NOW
    for name, value in more.items():
        setattr(job, name, value)
    session.commit()
    return job


def fire_notices(client: FlaskClient) -> TestResponse:
    """The callback that listens to the tick and has no output of its own."""
    (one,) = [
        w for w in wired(client) if [i["id"] for i in w["inputs"]] == ["shell-tick"] and "status" not in w["output"]
    ]
    return fire(client, TICK, output=one["output"])


def test_status_line_counts_sources_models_and_jobs(signed_in: SignIn, session: Session) -> None:
    health(session, binance="ok", kraken="down")
    jobs.create(session, IMPORT_FILE, {})
    session.commit()
    update = fire(signed_in(Role.VIEWER), TICK, output="shell-status-data").get_json()["response"]
    text = str(update)
    assert "Data: 1 of 2 sources answer, Kraken silent" in text
    assert "Models: none trained" in text
    assert "Jobs: 0 running, 1 queued" in text


def test_status_is_read_from_the_tables(session: Session) -> None:
    health(session, kraken="blocked")
    read = status.read(session)
    assert read == Status((("kraken", "blocked"),), False, 0, None, 0, 0)


@pytest.mark.parametrize(
    ("sources", "demo", "kind", "words"),
    [
        ((), False, "off", "Data: no source asked yet"),
        ((("binance", "ok"),), False, "ok", "Data: 1 of 1 sources answer"),
        ((("binance", "down"), ("kraken", "blocked")), True, "sim", "Data: demo exchange, simulated"),
        ((("binance", "down"),), False, "bad", "Data: Binance silent"),
        ((("binance", "ok"), ("kraken", "waiting")), True, "warn", "Data: 1 of 2 sources answer, Kraken asked to wait"),
    ],
)
def test_state_of_the_data_in_words(sources: tuple[tuple[str, str], ...], demo: bool, kind: str, words: str) -> None:
    assert shell.data_words(Status(sources, demo, 0, None, 0, 0)) == (kind, words)


def test_models_and_jobs_in_words() -> None:
    assert shell.model_words(QUIET) == ("off", "Models: none trained")
    assert shell.model_words(Status((), False, 2, None, 0, 0)) == ("ok", "Models: 2, no call yet")
    assert shell.model_words(Status((), False, 2, NOW, 0, 0))[1].startswith("Models: 2, last call 29 Dec")
    assert shell.job_words(QUIET) == ("off", "Jobs: none running")
    assert shell.job_words(Status((), False, 0, None, 1, 2)) == ("ok", "Jobs: 1 running, 2 queued")


def test_ended_job_is_told_once_and_only_to_its_owner(signed_in: SignIn, session: Session) -> None:
    asker, other = signed_in(Role.ANALYST), signed_in(Role.VIEWER)
    finished(session, asker.user_id, JobState.SUCCEEDED, progress={"message": "Version 3 is ready."})
    first = toasts(fire_notices(asker))
    assert [(t["title"], t["text"], t["kind"]) for t in first] == [("Training finished", "Version 3 is ready.", "ok")]
    assert toasts(fire_notices(asker)) == []
    assert toasts(fire_notices(other)) == []


def test_a_training_that_ended_says_what_was_trained_and_its_verdict(session: Session, app: Flask, owner: int) -> None:
    card = {"markets": ["demo:BTC/USDT", "demo:ETH/USDT"], "timeframe": "5m", "horizon": 12}
    for verdict, words in ((NO_SKILL, "No demonstrated skill."), (SKILLED, "Skill demonstrated.")):
        job = finished(session, owner, JobState.SUCCEEDED, progress={"message": "Done"})
        job.result = card | {"verdict": verdict}
        with app.test_request_context():
            told = shell.notice(job)
        assert told["text"] == f"BTC/USDT, ETH/USDT, 5m, 12 bars ahead. {words}"


def test_coingecko_keeps_its_spelling() -> None:
    assert shell.data_words(Status((("coingecko", "down"),), False, 0, None, 0, 0)) == ("bad", "Data: CoinGecko silent")


def test_failed_and_cancelled_jobs_say_so(session: Session, app: Flask, owner: int) -> None:
    with app.test_request_context():
        failed = shell.notice(finished(session, owner, JobState.FAILED, reason="The disk is full.\nline 3: x"))
        cancelled = shell.notice(finished(session, owner, JobState.CANCELLED))
    assert (failed["title"], failed["text"], failed["kind"]) == ("Training failed", "The disk is full.", "bad")
    assert (cancelled["title"], cancelled["kind"]) == ("Training cancelled", "plain")


def test_palette_finds_pages_and_markets(signed_in: SignIn, session: Session) -> None:
    markets.get_or_create(session, make("demo", "BTC/USDT"), simulated=True)
    session.commit()
    client = signed_in(Role.VIEWER)
    text = json.dumps(fire(client, {"shell-palette-query.value": "btcusd"}).get_json())
    assert "/charts/demo/BTC-USDT" in text
    assert '"SIM"' in text
    assert "/charts/demo/BTC-USDT" in json.dumps(fire(client, {"shell-palette-query.value": "bitcoin"}).get_json())
    assert "Charts" in fire(client, {"shell-palette-query.value": "char"}).get_data(as_text=True)
    assert "Nothing here is called" in fire(client, {"shell-palette-query.value": "zzzz"}).get_data(as_text=True)


def test_look_is_kept_for_the_next_browser(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    fire(client, {"shell-look.data": {"theme": "light", "updown": "green-red"}})
    kept = users.get(session, client.user_id).preferences
    assert (kept["theme"], kept["updown"]) == ("light", "green-red")
    page = signed_in(Role.VIEWER).get("/").get_data(as_text=True)
    assert '<html lang="en" data-bs-theme="light" data-updown="green-red" data-tz="" data-writing="{' in page
    assert 'data-keys="on">' in page


def test_the_switch_of_single_keys_is_kept_for_the_next_browser(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    look = {"theme": "dark", "updown": "teal-vermillion"}
    fire(client, {"shell-look.data": look | {"keys": "off"}})
    fire(client, {"shell-look.data": look | {"keys": '"><script>'}})
    fire(client, {"shell-look.data": look})
    assert 'data-keys="off">' in signed_in(Role.VIEWER).get("/").get_data(as_text=True)


def test_nonsense_looks_are_not_kept(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    answer = fire(client, {"shell-look.data": {"theme": "pink", "updown": "<script>"}})
    assert answer.status_code == 204
    assert "theme" not in users.get(session, client.user_id).preferences
