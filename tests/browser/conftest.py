"""A real browser against the real application.

`browse(Role.ANALYST)` signs in and gives a page; at the end of the test the page must not have logged an error, broken
the content policy, or asked another host for anything.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from core.roles import Role
from db.queries import users
from tests.web import OWNER, PASSWORD, add_user, app, client, owner, settings, signed_in

__all__ = ["app", "client", "owner", "settings", "signed_in"]

Browse = Callable[..., Page]
expect.set_options(timeout=20_000)  # a machine may be busy; whatever comes sooner is seen sooner


@pytest.fixture
def site(app: Flask, owner: int) -> Iterator[str]:
    """The address of the application, which has an owner."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)


@pytest.fixture
def browse(chromium: Browser, site: str, session: Session) -> Iterator[Browse]:
    """`browse(role, width=…, height=…, touch=…)`: a signed-in page; addresses are relative."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(role: Role = Role.ADMIN, *, width: int = 1440, height: int = 900, touch: bool = False) -> Page:
        email = OWNER if role is Role.ADMIN else f"{role}@example.org"
        if users.by_email(session, email) is None:
            add_user(session, email, role)
        session.commit()
        size: Any = {"width": width, "height": height}
        context = chromium.new_context(base_url=site, viewport=size, has_touch=touch, is_mobile=touch)
        contexts.append(context)
        page = context.new_page()
        watch(page, site, faults)
        _sign_in(context, email)
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


def _sign_in(context: BrowserContext, email: str) -> None:
    """By the form, without drawing it: cookies and user agent are those of the context."""
    text = context.request.get("/login").text()
    token = text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    form = {"csrf_token": token, "email": email, "password": PASSWORD}
    answer = context.request.post("/login", form=form, max_redirects=0)
    assert answer.status == 302, answer.text()


def watch(page: Page, site: str, faults: list[str]) -> None:
    """Note errors of scripts, of the content policy, and requests that leave the site."""
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    own = (site, "data:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(own) else faults.append(asked.url))
