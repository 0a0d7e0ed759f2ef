"""What docs/asvs.csv says of the source and of accounts, proved where no other test does."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from dashapp.api.blueprint import routes
from dashapp.auth import factors
from dashapp.auth import forms as typed
from dashapp.config import ROOT
from db.base import Base
from db.queries import invitations, users
from db.tables import Invitation
from tests.security.source import present
from tests.web import add_user, post_form, sign_in

MARA, NEW = "mara@example.org", "Walnut-harbour-38"
WEAK = {"md5", "sha1", "md4", "ripemd160", "blake2s"}
CHECKED_LESS = {"verify", "ssl", "verify_ssl", "check_hostname", "verify_mode", "cert_reqs"}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for folder in present():
        for path in (ROOT / folder).rglob("*.py"):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


@cache
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """(file, name of what is called, the call) of the whole product."""
    found = ((name, node) for name, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    return tuple((name, ast.unparse(node.func), node) for name, node in found)


def test_asvs_11_4_1_no_weak_hash_is_computed() -> None:
    used = Counter(word for _, name, _ in calls() for word in [name.rpartition(".")[2].lower()])
    assert used["sha256"] >= 5, "nothing was read"
    assert {word: used[word] for word in WEAK if used[word]} == {}
    parts = [part for _, called, node in calls() if called.startswith(("hashlib.", "hmac.")) for part in ast.walk(node)]
    assert parts
    assert [part.value for part in parts if isinstance(part, ast.Constant) and part.value in WEAK] == []


def test_asvs_12_3_2_no_connection_goes_without_checking_certificates() -> None:
    found = [
        (name, word.arg)
        for name, _, node in calls()
        for word in node.keywords
        if word.arg in CHECKED_LESS and isinstance(word.value, ast.Constant) and word.value.value in (False, None, 0)
    ]
    assert found == []
    off = [name for name, called, _ in calls() if called.endswith(("_create_unverified_context", "disable_warnings"))]
    assert off == []


def test_asvs_1_3_2_1_3_7_no_code_and_no_template_is_made_of_text() -> None:
    made = {"eval", "exec", "compile", "__import__"}
    assert [(name, called) for name, called, _ in calls() if called in made] == []
    words = {"render_template_string", "from_string", "jinja2.Template"}
    assert [name for name, called, _ in calls() if {called, called.rpartition(".")[2]} & words] == []
    drawn = [node.args[0] for _, called, node in calls() if called == "render_template"]
    assert drawn, "nothing was read"
    assert all(isinstance(name, ast.Constant | ast.Name) for name in drawn), "a template's name is never put together"


def test_asvs_11_5_1_secrets_come_from_the_systems_generator_and_are_long_enough(
    app: Flask, owner: int, session: Session
) -> None:
    """No module uses the predictable generator for more than jitter; and what is made has its length."""
    weak = {name for name, called, _ in calls() if re.fullmatch(r"random\.(?!SystemRandom)\w+", called)}
    assert weak == {"db/queries/mails.py"}, "jitter of letters alone"
    now, user = utc_now(), users.get(session, owner)
    _, invitation = invitations.add(session, role=Role.VIEWER, invited_by=owner, now=now)
    assert len(invitation) >= 22  # of base64: 128 bits and more
    assert invitation not in {row.token_hash for row in session.scalars(select(Invitation))}
    seeds = {factors.offer(session, user, app.extensions["bolt_settings"], now=now) for _ in range(3)}
    assert len(seeds) == 3 and {len(seed) for seed in seeds} == {32}  # of base32: 160 bits


@pytest.fixture
def secret(session: Session, app: Flask, owner: int) -> str:
    """Mara's authenticator, turned on five minutes ago."""
    settings, then = app.extensions["bolt_settings"], utc_now() - timedelta(minutes=5)
    user = users.get(session, add_user(session, MARA, Role.ANALYST))
    made = factors.offer(session, user, settings, now=then)
    factors.turn_on(session, user, pyotp.TOTP(made).at(then), settings, now=then, ip="")
    session.commit()
    return made


def test_asvs_6_4_3_a_new_password_by_letter_leaves_the_second_factor_where_it_was(
    app: Flask, session: Session, secret: str
) -> None:
    from core import reset_links

    user = users.by_email(session, MARA)
    assert user is not None
    token = reset_links.make(str(app.secret_key), user.id, user.session_version, now=utc_now())
    assert post_form(app.test_client(), f"/reset?token={token}", password=NEW, repeat=NEW).status_code == 302
    client = app.test_client()
    assert sign_in(client, MARA, NEW).location == "/login/code"
    assert client.get("/profile").status_code == 302, "the new password alone opens nothing"
    api = app.test_client().post("/api/auth/login", json={"email": MARA, "password": NEW})
    assert api.status_code == 401
    assert post_form(client, "/login/code", code=pyotp.TOTP(secret).now()).location == "/"
    assert client.get("/profile").status_code == 200


def test_asvs_6_4_2_no_hint_and_no_secret_question_is_asked_or_kept() -> None:
    asked = re.compile(r"question|answer|hint|maiden|pet_name", re.IGNORECASE)
    tables = [Base.metadata.tables[name] for name in ("users", "totp_secrets", "backup_codes", "passkeys")]
    kept = [f"{table.name}.{column.name}" for table in tables for column in table.c if asked.search(column.name)]
    forms = [form for form in vars(typed).values() if isinstance(form, type)]
    fields = [name for form in forms for name in vars(form) if name[0] != "_" and asked.search(name)]
    bodies = [name for route in routes() if route.body for name in route.body.model_fields if asked.search(name)]
    assert (kept, fields, bodies) == ([], [], [])
    assert {"email", "password", "repeat"} <= set(vars(typed.RegisterForm)), "nothing was read"


def test_asvs_14_3_3_scripts_keep_nothing_but_looks_in_the_browser() -> None:
    """No page script of Bolt writes to the browser's stores, and no store of Dash outlives its page."""
    scripts = [*(ROOT / "assets").glob("*.js"), *(ROOT / "dashapp").rglob("static/*.js")]
    assert len(scripts) > 5
    words = re.compile(r"\b(localStorage|sessionStorage|indexedDB|caches\.open)\b")
    assert [path.name for path in scripts if words.search(without_comments(path))] == []
    written = [line for path in scripts for line in re.findall(r"document\.cookie = `?(\S+)", without_comments(path))]
    assert [line.partition("=")[0] for line in written] == ["${THEME_COOKIE}"]
    stores = [node for _, called, node in calls() if called.endswith("dcc.Store")]
    assert stores
    kinds = {ast.unparse(word.value) for node in stores for word in node.keywords if word.arg == "storage_type"}
    assert kinds <= {"'memory'"}
    drawn = [node for name, _, node in calls() if name.startswith(("layouts/", "callbacks/"))]
    assert [ast.unparse(node) for node in drawn for word in node.keywords if word.arg == "persistence"] == []


def without_comments(path: Path) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
