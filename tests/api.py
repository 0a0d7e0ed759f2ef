"""What tests of the JSON API share. Fixtures: `api`, a caller by role, and `tokens`, a pair of the owner's."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core.roles import Role
from core.settings import Settings
from dashapp.api.blueprint import routes
from tests.web import OWNER, PASSWORD, add_user

Ask = Callable[..., Any]
STEADY = {"RATE_LIMIT_API": "1000000", "RATE_LIMIT_AUTH": "1000000"}


@pytest.fixture
def tokens(app: Flask, owner: int) -> dict[str, Any]:
    """What the owner's sign-in answered."""
    return login(app, OWNER)


@pytest.fixture
def api(app: Flask, owner: int, session: Session) -> Callable[..., Ask]:
    """`api(Role.VIEWER)("GET", "/markets")`: a request with that role's access token. Admin is the owner."""

    def make(role: Role = Role.ADMIN, email: str = "") -> Ask:
        email = email or (OWNER if role is Role.ADMIN else f"{role}@example.org")
        if email != OWNER:
            add_user(session, email, role)
        return asker(app, login(app, email)["access_token"])

    return make


def login(app: Flask, email: str, password: str = PASSWORD) -> dict[str, Any]:
    answer = app.test_client().post("/api/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def asker(app: Flask, token: str | None) -> Ask:
    """Requests of a program that holds this token and keeps no cookies."""

    def ask(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **more: Any) -> Any:
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        client = app.test_client(use_cookies=False)
        if body is not None:
            more["json"] = body
        return client.open(f"/api{path}", method=method, headers=sent | (headers or {}), **more)

    return ask


def is_problem(answer: Any, status: int) -> bool:
    """Whether an answer is a problem of this status with everything a problem has."""
    if answer.status_code != status or answer.mimetype != "application/problem+json":
        return False
    problem = answer.get_json(force=True)
    whole = {"type", "title", "status", "detail", "instance", "request_id"} <= problem.keys()
    return whole and problem["status"] == status and problem["request_id"] == answer.headers["X-Request-ID"]


def filled(path: str) -> str:
    """A route's path with values that fit and mean nothing."""
    from dashapp.api.openapi import ARGUMENT

    words = {"int": "999999", "uuid": "00000000-0000-4000-8000-000000000000", "symbol": "NO-SUCH"}
    return ARGUMENT.sub(lambda found: words[found[1]], path)


__all__ = ["STEADY", "Ask", "Settings", "api", "asker", "filled", "is_problem", "login", "routes", "tokens"]
