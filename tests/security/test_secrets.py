"""S34: what opens something is shown once, kept sealed or hashed, and stands in no log, no page and no repository."""

import io
import json
import logging
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.hidden import HIDDEN, secrets_in
from core.log import JsonLines
from core.roles import Role
from core.settings import Settings
from dashapp.config import ROOT
from db.base import Base
from tests.api import asker, login
from tests.web import OWNER, PASSWORD, SignIn, make_app, post_form, settings_for, sign_in

KEYS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bxox[abpr]-[A-Za-z0-9-]{10,}"
    rb"|\bsk_live_[A-Za-z0-9]{16}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"
)
NEVER_SHIPPED = re.compile(r"(^|/)(\.env|secrets\.json|id_[a-z0-9]+|.*\.(pem|key|p12|pfx|sql|dump|tar))$")


def tracked(*folders: str) -> list[str]:
    said = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in said.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_s34_no_file_of_the_repository_holds_a_key() -> None:
    assert [name for name in tracked() if KEYS.search((ROOT / name).read_bytes())] == []
    assert [name for name in tracked() if NEVER_SHIPPED.search(name)] == []
    shown = b"-----BEGIN " + b"EC PRIVATE KEY-----", b"AKIA" + b"A" * 16, b"ghp_" + b"a" * 36
    assert all(KEYS.search(key) for key in shown)


def test_s34_an_image_holds_nothing_but_folders_of_the_repository(tmp_path: Path) -> None:
    """What is copied into it is named; what must never be is kept from the builder."""
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+)$", docker, re.MULTILINE) for word in line.split()[:-1]]
    assert len(copied) > 10
    assert all(tracked(name) for name in copied)
    assert not {".", "./", "*", "var", "tests", ".env"} & set(copied)
    kept_back = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".git", ".env", "var"} <= set(kept_back)


SEALED = {
    "SECRET_KEY": "key-" * 10,
    "DATABASE_URL": "postgresql://bolt:db-password-1@127.0.0.1:5432/bolt",
    "REDIS_URL": "redis://:redis-password-1@127.0.0.1:6379/0",
    "SMTP_PASSWORD": 'mail"password\\1',
    "COINGECKO_API_KEY": "CG-coingecko-1",
    "METRICS_TOKEN": "metrics-token-1",
}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> JsonLines:
    """A log of a process that knows every secret; one of them from a file."""
    for name, value in SEALED.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "metrics").write_text(SEALED["METRICS_TOKEN"] + "\n")
    monkeypatch.delenv("METRICS_TOKEN")
    monkeypatch.setenv("METRICS_TOKEN_FILE", str(tmp_path / "metrics"))
    return JsonLines("web")


@pytest.mark.parametrize("name", SEALED)
def test_s34_a_secret_is_hidden_wherever_in_a_line_of_the_log_it_stands(lines: JsonLines, name: str) -> None:
    secret = SEALED[name]
    try:
        raise OSError(f"no route with {secret}")
    except OSError as fault:
        known = {"msg": "asked %s", "args": (secret,), "url": f"x?key={secret}", "levelname": "ERROR"}
        record = logging.makeLogRecord(known | {"exc_info": (type(fault), fault, None)})
    line = lines.format(record)
    told = json.loads(line)
    assert [words for words in secrets_in({name: secret}) if words in str(told)] == []
    assert HIDDEN in told["event"] and HIDDEN in told["url"] and HIDDEN in told["error"]


def test_s34_the_password_of_an_address_that_bolt_does_not_know_is_hidden_too() -> None:
    record = logging.makeLogRecord({"msg": "refused by https://me:hunter-2-hunter@proxy.example:3128/ at 12:30"})
    told = json.loads(JsonLines("web").format(record))
    assert told["event"] == f"refused by https://me:{HIDDEN}@proxy.example:3128/ at 12:30"


def test_s34_what_opens_an_account_is_shown_once_and_stored_sealed_or_hashed(
    app: Flask, signed_in: SignIn, database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = signed_in(Role.VIEWER)
    pair = login(app, "viewer@example.org")
    body = {"name": "report", "scopes": ["read"], "days": 1, "current_password": PASSWORD}
    token = asker(app, pair["access_token"])("POST", "/auth/tokens", body).get_json()["token"]
    post_form(client, "/two-factor", act="start", current=PASSWORD)
    found = re.search(r'<code class="mono t1">(\w+)</code>', client.get("/two-factor/confirm").text)
    assert found is not None
    seed = found[1]
    page = post_form(client, "/two-factor/confirm", code=pyotp.TOTP(seed).now()).text
    codes = re.findall(r"<li>(\w{5}-\w{5})</li>", page)
    assert len(codes) == 10
    shown = {PASSWORD, seed, token, pair["access_token"], pair["refresh_token"], *codes}
    text = stored(database) + caplog.text
    assert "viewer@example.org" in text, "nothing was read"
    assert [secret for secret in shown if secret in text or secret.replace("-", "") in text] == []
    for path in ("/two-factor", "/two-factor/confirm", "/profile"):
        assert [secret for secret in shown if secret in client.get(path).text] == [], path
    with zipfile.ZipFile(io.BytesIO(client.get("/my-data.zip").data)) as archive:
        own = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "viewer@example.org" in own
    assert [secret for secret in shown if secret in own] == []


def stored(engine: Engine) -> str:
    """Every row of every table, as text."""
    with Session(engine) as session:
        tables = Base.metadata.sorted_tables
        return "\n".join(str(tuple(row)) for table in tables for row in session.execute(select(table)).all())


def test_s34_pages_errors_and_numbers_hold_no_secret(settings: Settings, signed_in: SignIn, owner: int) -> None:
    more: dict[str, Any] = {k: v for k, v in SEALED.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    app = make_app(settings_for(settings.database_url, settings.redis_url, **more))

    def break_down() -> str:
        raise RuntimeError(f"{settings.database_url} {' '.join(SEALED.values())}")

    app.add_url_rule("/broken", "broken", break_down)
    numbers = {"Authorization": f"Bearer {SEALED['METRICS_TOKEN']}"}
    client = app.test_client()
    sign_in(client, OWNER)
    answers = [client.get("/metrics", headers=numbers), client.get("/broken"), client.get("/no/such")]
    answers += [
        client.get(path) for path in ("/", "/profile", "/health", "/_dash-layout", "/api/openapi.json", "/api/no")
    ]
    answers += [app.test_client().get(path) for path in ("/login", "/no/such", "/metrics", "/health/live")]
    assert answers[0].status_code == 200 and "bolt_" in answers[0].text
    assert 500 in {answer.status_code for answer in answers}
    secret = secrets_in({**more, "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url})
    for answer in answers:
        text = answer.text + str(answer.headers)
        assert [words for words in secret if words in text] == [], answer.request.path
