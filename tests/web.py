"""What tests of pages and callbacks share: an application, accounts, clients that are signed in.

Fixtures (import them into a conftest): `settings app client owner signed_in`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.roles import Role
from core.settings import Settings, read
from dashapp.auth import accounts, passwords, sessions
from dashapp.config import CSRF_COOKIE, CSRF_HEADER
from dashapp.embedded.postgres import Postgres
from db.queries import users

PASSWORD = "Copper-teapot-71"
OWNER = "owner@example.org"
CALLBACKS = "/_dash-update-component"
SignIn = Callable[..., FlaskClient]


def settings_for(database_url: str, redis_url: str = "", **more: str) -> Settings:
    """Settings of a test application; names and values as in the environment."""
    names = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "s" * 40, "BOLT_DATA": "/nonexistent"}
    return read(names | more)


def make_app(settings: Settings) -> Flask:
    """A whole application, as gunicorn serves it; its failures become answers."""
    from dashapp.factory import create_app

    app = create_app(settings)
    app.config["TESTING"] = False
    return app


def add_user(session: Session, email: str, role: Role) -> int:
    """An account with PASSWORD; the id. Commits."""
    user = users.add(
        session,
        email,
        display_name=email.split("@")[0].title(),
        password_hash=passwords.make_hash(PASSWORD),
        role=role,
        is_owner=False,
    )
    session.commit()
    return user.id


def token_of(client: FlaskClient, page: str) -> str:
    """The CSRF token of the form on a page."""
    text = client.get(page).get_data(as_text=True)
    return text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]


def post_form(client: FlaskClient, page: str, **fields: str) -> Any:
    """Fill in the form of a page and send it."""
    return client.post(page, data={"csrf_token": token_of(client, page), **fields})


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> Any:
    return post_form(client, "/login", email=email, password=password)


def dash_headers(client: FlaskClient) -> dict[str, str]:
    """What Dash's renderer sends with a callback; the first page load hands out the token."""
    if client.get_cookie(CSRF_COOKIE) is None:
        client.get("/")
    cookie = client.get_cookie(CSRF_COOKIE)
    return {CSRF_HEADER: cookie.value if cookie else ""}


def body_of(dependency: dict[str, Any]) -> dict[str, Any]:
    """The body Dash's renderer would send for a callback, with empty values."""

    def places(declared: list[dict[str, Any]]) -> list[Any]:
        return [[] if "ALL" in d["id"] else {"id": d["id"], "property": d["property"], "value": None} for d in declared]

    def output(word: str) -> dict[str, str] | list[Any]:
        name, _, prop = word.rpartition(".")
        return [] if name.startswith("{") else {"id": name, "property": prop}

    word, inputs = dependency["output"], places(dependency["inputs"])
    several = [output(part) for part in word[2:-2].split("...")]
    return {
        "output": word,
        "outputs": several if word.startswith("..") else output(word),
        "inputs": inputs,
        "state": places(dependency["state"]),
        "changedPropIds": [f"{i['id']}.{i['property']}" for i in inputs[:1] if i],
    }


def router_body(path: str) -> dict[str, Any]:
    """A request to Dash's page router, as a browser sends it when somebody opens `path`."""
    return {
        "output": ".._pages_content.children..._pages_store.data..",
        "outputs": [
            {"id": "_pages_content", "property": "children"},
            {"id": "_pages_store", "property": "data"},
        ],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": path},
            {"id": "_pages_location", "property": "search", "value": ""},
        ],
        "changedPropIds": ["_pages_location.pathname"],
        "state": [],
    }


@pytest.fixture
def settings(database: Engine, postgres: Postgres, redis_url: str) -> Settings:
    return settings_for(postgres.url, redis_url)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """An application on the empty database, without an owner."""
    from dashapp.extensions import database

    made = make_app(settings)
    sessions.forget_answers()
    yield made
    with made.app_context():
        database.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A stranger's browser."""
    return app.test_client()


@pytest.fixture
def owner(app: Flask, session: Session) -> int:
    """The desk has an owner, OWNER with PASSWORD; the id."""
    made = accounts.create_owner(session, OWNER, PASSWORD, "Olga")
    session.commit()
    return made.id


@pytest.fixture
def signed_in(app: Flask, owner: int, session: Session) -> SignIn:
    """`signed_in(Role.VIEWER)`: a browser signed in with that role; `client.user_id` says whose. Admin is the owner."""

    def make(role: Role | str = Role.ADMIN) -> FlaskClient:
        role = Role(role)
        email = OWNER if role is Role.ADMIN else f"{role}@example.org"
        known = users.by_email(session, email)
        client = app.test_client()
        client.user_id = known.id if known else add_user(session, email, role)  # type: ignore[attr-defined]
        session.commit()
        assert sign_in(client, email).status_code == 302
        return client

    return make
