"""Two-factor sign-in: codes serve once, guesses pause, backup codes replace a lost authenticator."""

import re
from datetime import datetime, timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from dashapp.auth import factors
from db.queries import factors as stored
from db.queries import users
from db.tables import AuditEvent, BackupCode, Mail, TotpSecret
from tests.web import OWNER, PASSWORD, SignIn, add_user, make_app, post_form, settings_for, sign_in

MARA = "mara@example.org"


@pytest.fixture
def mara(session: Session, app: Flask, owner: int) -> int:
    return add_user(session, MARA, Role.ANALYST)


@pytest.fixture
def secret(session: Session, app: Flask, mara: int) -> str:
    """Mara's authenticator, turned on with the code of five minutes ago."""
    settings, user, then = app.extensions["bolt_settings"], users.get(session, mara), utc_now() - timedelta(minutes=5)
    made = factors.offer(session, user, settings, now=then)
    factors.turn_on(session, user, pyotp.TOTP(made).at(then), settings, now=then, ip="")
    session.commit()
    return made


def code(secret: str, *, steps: int = 0, now: datetime | None = None) -> str:
    return pyotp.TOTP(secret).at((now or utc_now()) + timedelta(seconds=30 * steps))


def enter(client: FlaskClient, typed: str):
    return post_form(client, "/login/code", code=typed)


def inside(client: FlaskClient) -> bool:
    return client.get("/profile").status_code == 200


def test_s41_the_password_alone_opens_nothing(app: Flask, secret: str) -> None:
    client = app.test_client()
    answer = sign_in(client, MARA)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/code")
    assert not inside(client)
    assert client.get("/_dash-layout").status_code == 401


def test_s41_a_code_signs_in_and_serves_once(app: Flask, secret: str, session: Session) -> None:
    first, second, typed = app.test_client(), app.test_client(), code(secret)
    sign_in(first, MARA)
    assert enter(first, typed).headers["Location"] == "/"
    assert inside(first)
    sign_in(second, MARA)
    again = enter(second, typed)
    assert (again.status_code, inside(second)) == (401, False)
    assert "used before" in again.text
    how = session.scalars(select(AuditEvent).where(AuditEvent.action == "sign_in", AuditEvent.result == "ok")).all()
    assert [event.detail["how"] for event in how] == ["password and code"]


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, False), (2, False)])
def test_s41_a_code_lasts_its_half_minute_and_the_next(
    app: Flask, secret: str, session: Session, mara: int, steps: int, right: bool
) -> None:
    user, now = users.get(session, mara), utc_now()
    session.rollback()
    typed = code(secret, steps=steps, now=now)
    assert factors.check(user, typed, app.extensions["bolt_settings"], now=now, ip="") is right


def test_s41_five_wrong_codes_pause_and_a_right_one_does_not_help_then(app: Flask, secret: str) -> None:
    client = app.test_client()
    sign_in(client, MARA)
    for _ in range(5):
        assert enter(client, "000000").status_code == 401
    paused = enter(client, code(secret))
    assert paused.status_code == 429
    assert 0 < int(paused.headers["Retry-After"]) <= 60


def test_s41_a_backup_code_serves_once_and_is_kept_as_a_hash(
    app: Flask, secret: str, session: Session, mara: int
) -> None:
    user = users.get(session, mara)
    codes = factors.renew_codes(session, user, now=utc_now(), ip="")
    session.commit()
    assert len(set(codes)) == 10
    kept = session.scalars(select(BackupCode.code_hash)).all()
    assert not {c.replace("-", "") for c in codes} & set(kept)
    client = app.test_client()
    sign_in(client, MARA)
    assert enter(client, codes[0].upper().replace("-", " ")).headers["Location"] == "/"
    other = app.test_client()
    sign_in(other, MARA)
    assert enter(other, codes[0]).status_code == 401
    session.rollback()
    assert stored.codes_left(session, mara) == 9
    assert "code_used" in session.scalars(select(Mail.kind)).all()


def test_the_half_way_cookie_is_worth_nothing_after_five_minutes(app: Flask, secret: str, monkeypatch) -> None:
    from dashapp.auth import second_step

    client = app.test_client()
    sign_in(client, MARA)
    later = utc_now() + timedelta(minutes=6)
    monkeypatch.setattr(second_step, "utc_now", lambda: later)
    assert client.get("/login/code").headers["Location"] == "/login"


def test_the_half_way_cookie_is_worth_nothing_after_a_new_password(
    app: Flask, secret: str, session: Session, mara: int
) -> None:
    client = app.test_client()
    sign_in(client, MARA)
    users.end_all_sessions(session, mara)
    session.commit()
    assert client.get("/login/code").headers["Location"] == "/login"


def test_setting_it_up_on_the_page(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    assert post_form(client, "/two-factor", act="start", current="wrong").status_code == 403
    assert session.scalars(select(TotpSecret)).all() == []
    asked = post_form(client, "/two-factor", act="start", current=PASSWORD)
    assert asked.headers["Location"] == "/two-factor/confirm"
    page = client.get("/two-factor/confirm").text
    made = re.search(r'<code class="mono t1">(\w+)</code>', page).group(1)
    assert "<svg" in page
    sealed = session.scalars(select(TotpSecret.sealed)).one()
    assert made not in sealed
    assert (
        post_form(client, "/two-factor/confirm", code="123456" if code(made) != "123456" else "654321").status_code
        == 422
    )
    done = post_form(client, "/two-factor/confirm", code=code(made))
    assert len(re.findall(r"<li>\w{5}-\w{5}</li>", done.text)) == 10
    session.rollback()
    assert session.scalars(select(Mail.kind)).all() == ["factor_on"]
    assert "two_factor_on" in session.scalars(select(AuditEvent.action)).all()
    assert "10 of 10" in re.sub(r"<[^>]+>", "", client.get("/two-factor").text)


def test_turning_it_off_needs_the_password(signed_in: SignIn, app: Flask, session: Session) -> None:
    client = signed_in(Role.VIEWER)
    user, settings, now = users.by_email(session, "viewer@example.org"), app.extensions["bolt_settings"], utc_now()
    made = factors.offer(session, user, settings, now=now)
    factors.turn_on(session, user, code(made, now=now), settings, now=now, ip="")
    session.commit()
    assert post_form(client, "/two-factor", act="stop", current="wrong").status_code == 403
    assert post_form(client, "/two-factor", act="nonsense", current=PASSWORD).status_code == 422
    assert stored.totp_on(session, user.id)
    assert post_form(client, "/two-factor", act="stop", current=PASSWORD).status_code == 302
    session.rollback()
    assert not stored.totp_on(session, user.id)
    assert session.scalars(select(BackupCode)).all() == []


def test_the_api_asks_for_the_code_as_well(client: FlaskClient, secret: str) -> None:
    pair = {"email": MARA, "password": PASSWORD}
    first = client.post("/api/auth/login", json=pair)
    assert first.status_code == 401
    assert "two-factor" in first.get_json()["detail"]
    assert client.post("/api/auth/login", json=pair | {"code": "000000"}).status_code == 401
    assert "access_token" in client.post("/api/auth/login", json=pair | {"code": code(secret)}).get_json()


def test_admins_are_led_to_set_it_up_where_the_desk_asks_for_it(
    postgres, redis_url, session: Session, owner: int
) -> None:
    strict = make_app(settings_for(postgres.url, redis_url, REQUIRE_TOTP_FOR_ADMINS="1"))
    client, user = strict.test_client(), users.by_email(session, OWNER)
    session.rollback()
    sign_in(client, OWNER)
    assert client.get("/").headers["Location"] == "/two-factor"
    assert client.get("/_dash-layout").status_code == 403
    assert "asks its admins" in client.get("/two-factor").text
    token = client.post("/api/auth/login", json={"email": OWNER, "password": PASSWORD}).get_json()["access_token"]
    refused = client.get("/api/markets", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, "two-factor" in refused.get_json()["detail"]) == (403, True)
    settings, now = strict.extensions["bolt_settings"], utc_now()
    made = factors.offer(session, user, settings, now=now)
    factors.turn_on(session, user, code(made, now=now), settings, now=now, ip="")
    session.commit()
    from dashapp.auth import sessions

    sessions.forget_answers()
    assert client.get("/").status_code == 200
    assert post_form(client, "/two-factor", act="stop", current=PASSWORD).status_code == 403
