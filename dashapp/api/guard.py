"""Who calls the API, and whether they may. Bearer tokens alone count here; cookies are not looked at.

The gate hands every request below /api over to `guard`, and says whether its endpoint is on the public list.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from flask import abort, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.routing import Map

import core.log
import db.engine
from core.clock import utc_now
from core.errors import Forbidden
from core.roles import covers
from dashapp import security
from dashapp.api import tokens
from dashapp.api.limits import PER_ADDRESS, Counter, Spent, claim_guess
from dashapp.api.route import Route
from dashapp.api.tokens import ACCESS, PERSONAL, Claims
from db.queries import audit, factors
from db.queries import tokens as stored
from db.queries.throttles import account_key, address_key
from db.queries.users import normal_email
from db.tables import User

log = logging.getLogger("bolt.api")

LARGEST = 64 * 1024  # bytes of a body
NAME = "bolt_api"


@dataclass(frozen=True, slots=True)
class Caller:
    """The account a token belongs to, read for this request. `scopes` is None for a sign-in, which may do anything."""

    id: int
    email: str
    role: str
    is_owner: bool
    scopes: frozenset[str] | None
    claims: Claims | None
    lacks_totp: bool = False  # where this desk asks it of admins


@dataclass(frozen=True, slots=True)
class Served:
    """What an application serves: routes by endpoint, their paths alone, and the counter of requests."""

    routes: dict[str, Route]
    paths: Map
    counter: Counter


def is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def guard(*, public: bool) -> None:
    """Let a request pass, or raise what is wrong with it."""
    g.api_spent = []
    request.max_content_length = LARGEST
    now = utc_now()
    limit, origin = security.settings().rate_limit_api, address_key(address())
    everyone = served().counter.count(f"all:{origin}", limit=PER_ADDRESS * limit, now=now, name="address")
    if everyone.exceeded:  # before the database is asked who it is
        _spend(everyone)
    caller = None if public else authenticate(now)
    who = f"user:{caller.id}" if caller else origin
    _spend(served().counter.count(who, limit=limit, now=now))
    route = current_route()
    if public:
        return
    if caller is None:
        abort(401, "Send a valid access token as `Authorization: Bearer …`. POST /api/auth/login gives one.")
    core.log.user_id.set(caller.id)
    _refuse_beyond_rights(caller, route)
    g.api_caller = caller


def served() -> Served:
    found: Served = current_app.extensions[NAME]
    return found


def caller() -> Caller:
    """Whose request this is, behind the guard."""
    found: Caller = g.api_caller
    return found


def current_route() -> Route:
    """The route of this request; raises NotFound or MethodNotAllowed, where Dash would answer any path."""
    known = served()
    route = known.routes.get(request.endpoint or "")
    if route is None:
        known.paths.bind("").match(request.path, request.method)
        abort(404)
    return route


def methods(path: str) -> set[str]:
    """What may be asked of an address of the API; nothing for any other."""
    return set(served().paths.bind("").allowed_methods(path)) if is_api(path) else set()


def authenticate(now: datetime) -> Caller | None:
    """The holder of the bearer token. The database is asked each time, so that what ends, ends at once."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token:
        return None
    if token.startswith(PERSONAL):
        with db.engine.session() as session:
            found = stored.use_personal(session, tokens.digest(token), now=now)
            return _caller(session, found[0], scopes=frozenset(found[1].scopes)) if found else None
    claims = tokens.read(token, ACCESS, secret_key=security.settings().secret_key, now=now)
    if claims is None:
        return None
    with db.engine.session() as session:
        user = tokens.holder(session, claims, now=now)
        return _caller(session, user, claims=claims) if user else None


def claim_guess_from_here() -> None:
    """Count a request that could guess something by where it comes from; raises TooManyRequests."""
    _spend(_claim(f"api-{address_key(address())}", utc_now()))


def claim_account(email: str) -> None:
    """Count a guess about an account, known or not; raises TooManyRequests."""
    _spend(_claim(f"api-{account_key(normal_email(email))}", utc_now()))


def pause(seconds: int) -> None:
    """Refuse this request, and say when to come back."""
    g.api_retry = seconds
    abort(429, "Too many requests. Wait for the seconds in Retry-After, then go on.")


def address() -> str:
    """Where the request comes from; of proxies only those in the settings are believed."""
    return request.remote_addr or "unknown"


def note(
    session: Session,
    who: Caller,
    action: str,
    object: str = "",  # noqa: A002  the word of the log
    *,
    result: audit.Result = "ok",
    **detail: object,
) -> None:
    """Append to the audit log what a caller did; the last thing in a transaction."""
    audit.by_user(session, who, action, object=object, ip=address(), result=result, **detail)


def denied(who: Caller, name: str, because: str) -> None:
    """Somebody asked for what they may not; written at once into both logs, whatever becomes of the request."""
    log.warning("authz_denied", extra={"action": name, "account": who.id})
    with db.engine.session() as session:
        note(session, who, "access_denied", f"api {name}", result="denied", role=who.role, because=because)


def _caller(
    session: Session, user: User, *, scopes: frozenset[str] | None = None, claims: Claims | None = None
) -> Caller:
    lacks_totp = factors.lacks_totp(session, user, asked=security.settings().require_totp_for_admins)
    return Caller(user.id, user.email, user.role, user.is_owner, scopes, claims, lacks_totp)


def _claim(key: str, now: datetime) -> Spent:
    return claim_guess(key, security.settings().rate_limit_auth, now=now)


def _spend(spent: Spent) -> None:
    g.api_spent.append(spent)
    if spent.exceeded:
        pause(spent.reset)


def _refuse_beyond_rights(caller: Caller, route: Route) -> None:
    sentence = None
    if caller.lacks_totp:
        sentence = "This desk asks its admins for two-factor sign-in. Set it up on the page Security first."
    elif route.role is not None and not covers(caller.role, route.role):
        sentence = f"This needs the role {route.role}. Ask an admin of this desk."
    elif caller.scopes is not None and route.scope not in caller.scopes:
        sentence = (
            f"This token lacks the scope {route.scope}. Make another one, or sign in."
            if route.scope
            else "Personal tokens can't manage the account. Sign in with POST /api/auth/login."
        )
    if sentence:
        denied(caller, route.name, sentence)
        raise Forbidden(sentence)
