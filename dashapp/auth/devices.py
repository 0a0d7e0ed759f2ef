"""Browsers an account was signed in from: a new one is told by mail.

A browser keeps a signed cookie for each account that used it. It opens nothing; it only keeps the letter from coming.
"""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

from flask import Response, request

import db.engine
from core.browsers import browser
from dashapp import security
from db.queries import mails
from db.tables import User

COOKIE = "bolt_device"
YEAR = 31_536_000  # seconds
NEW = timedelta(hours=1)
KEPT = 4  # accounts a browser remembers


def known(user: User) -> bool:
    """True where this browser was used for this account before."""
    return _mark(user) in request.cookies.get(COOKIE, "").split(".")


def remember(response: Response, user: User, *, now: datetime) -> None:
    """Know this browser from now on; its holder hears of it unless the account is new, or they want no word."""
    marks = [mark for mark in request.cookies.get(COOKIE, "").split(".") if mark][-KEPT + 1 :]
    secure = security.settings().behind_tls
    value = ".".join([*marks, _mark(user)])
    response.set_cookie(COOKIE, value, max_age=YEAR, httponly=True, samesite="Lax", secure=secure, path="/")
    if now - user.created_at < NEW or not user.preferences.get("notify_sign_in", True):
        return
    name, ip = browser(request.user_agent.string), request.remote_addr or "unknown"
    with db.engine.session() as session:
        mails.put(session, user, "new_sign_in", now=now, browser=name, ip=ip)


def _mark(user: User) -> str:
    key = security.settings().secret_key.encode()
    return hmac.new(key, f"bolt device {user.id}".encode(), sha256).hexdigest()[:32]
