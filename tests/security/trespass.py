"""Three accounts and every door: what belongs to the owner, planted with a word, and who of the others gets to it.

Routes and callbacks are those of the running application; whoever adds one adds it to these tests.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.drawing import Drawing
from core.jobs import IMPORT_FILE, JobState
from core.market_name import parse_path
from core.roles import Role
from db.base import Base
from db.queries import (
    audit,
    chart_state,
    factors,
    invitations,
    jobs,
    mails,
    markets,
    refusals,
    tokens,
    uploads,
    user_sessions,
    users,
    watchlists,
)
from db.tables import User, UserSession
from tests.web import CALLBACKS, body_of, dash_headers

CANARY = "canary-4b7e"
MARKET, KEY, LAYOUT = "demo/BTC-USDT", "0123456789abcdef", "the owner's"
LEVEL = Drawing(KEY, "level", ((0, 1.0),), 1, CANARY)
UNKNOWN = {"job_id": "00000000-0000-4000-8000-000000000000", "token_id": "999999", "passkey_id": "999999"}
SHARED = {"symbol", "model_id"}  # arguments of paths whose things belong to the desk, for everybody to read
FILES = {
    "filename",
    "path",
    "name",
    "fingerprint",
    "package_name",
    "fingerprinted_path",
}  # of files that Bolt or Dash brings along
OWNERS = ("user_id", "owner_id", "invited_by")  # columns that say whose a row is
DESKS = {"imports", "trained_models"}  # whoever began them, what came of it is for the whole desk
# Written by looking and by being refused, not by changing what is somebody's.
TRACES = {"audit_events", "throttles", "user_sessions", "idempotency_keys"}


@dataclass(frozen=True, slots=True)
class Planted:
    """The owner's things: ids by the name they have in paths, and every id as a browser may send it."""

    owner_id: int
    ids: dict[str, str]
    list_id: int
    session_id: int

    @property
    def guesses(self) -> list[Any]:
        """Values that somebody else could put into a callback's places."""
        job = self.ids["job_id"]
        rows = [{"id": job, "user_id": self.owner_id, "name": CANARY}]
        return [self.owner_id, f"job/{job}", rows, {"rowId": job, "value": job}]

    @property
    def wishes(self) -> list[Any]:
        """What a page's scripts put into a store, about things of the owner."""
        ops = [
            {"op": "erase", "market": MARKET, "keys": [KEY]},
            {"op": "draw", "market": MARKET, "drawing": LEVEL.plain() | {"text": ""}},
            {"op": "drop-layout", "name": LAYOUT},
            {"op": "standard", "name": LAYOUT},
        ]
        return [{"act": "choose", "list": self.list_id, "n": 1}, {"ops": ops, "n": 1}]


def plant(session: Session, owner_id: int) -> Planted:
    """Things of the owner alone, each with the canary. Trainings are not: they are shown to all, as what they make."""
    now, owner = utc_now(), users.get(session, owner_id)
    owner.display_name = CANARY
    job = jobs.create(session, IMPORT_FILE, {"symbol": CANARY}, owner_id=owner_id)
    job.state, job.reason, job.finished_at = JobState.FAILED, f"{CANARY} broke", now
    open_job = jobs.create(session, IMPORT_FILE, {"symbol": CANARY}, owner_id=owner_id)
    token = tokens.add_personal(
        session, owner, name=CANARY, token_hash="0" * 64, scopes=["read"], now=now, expires_at=now.replace(year=2099)
    )
    invitations.add(session, role=Role.ADMIN, email=f"{CANARY}@example.org", invited_by=owner_id, now=now)
    watchlists.create_list(session, owner_id, CANARY)
    list_id = watchlists.shown(session, owner_id).id
    assert list_id is not None
    audit.by_user(session, owner, "settings_changed", object=CANARY)
    plant_account(session, owner, now)
    plant_charts(session, owner_id)
    refusals.keep(session, open_job.id, [(3, CANARY)], user_id=owner_id, import_id=None, file_name=f"{CANARY}.csv")
    uploads.add(session, owner_id, file_name=f"{CANARY}.csv", content=CANARY.encode())
    sid, over = f"sid-{CANARY}", now.replace(year=2099)
    user_sessions.add(session, owner, sid, ip="192.0.2.7", user_agent=CANARY, now=now, forget_at=over)
    here = session.scalars(select(UserSession).filter_by(sid=sid)).one()
    key = factors.add_passkey(session, owner_id, name=CANARY, credential_id=b"c", public_key=b"k", sign_count=0)
    session.commit()
    ids = {"job_id": open_job.id, "token_id": str(token.id), "passkey_id": str(key.id)}
    return Planted(owner_id, ids, list_id, here.id)


def plant_account(session: Session, owner: User, now: datetime) -> None:
    """What opens the account; the authenticator is offered and not confirmed, so that a password is enough here."""
    factors.offer_totp(session, owner.id, f"sealed-{CANARY}", now=now)
    factors.set_backup_codes(session, owner.id, ["0" * 64])
    mails.put(session, owner, "passkey_added", now=now, passkey=CANARY)
    tokens.start_family(session, CANARY, owner, "0" * 64, now=now, expires_at=now.replace(year=2099))


def plant_charts(session: Session, owner_id: int) -> None:
    market_id = markets.get_or_create(session, parse_path("demo", "BTC-USDT"), simulated=True).id
    chart_state.keep_drawing(session, owner_id, market_id, LEVEL)
    chart_state.keep_layout(session, owner_id, LAYOUT, {"ind": CANARY, "type": "candles"})
    chart_state.change_settings(session, owner_id, {"recent": [f"demo/{CANARY}"]})


def unplanted(engine: Engine, owner_id: int) -> set[str]:
    """Tables whose rows are somebody's, of which the owner has none: plant one in `plant`."""
    found = set()
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            columns = [table.c[name] for name in OWNERS if name in table.c]
            if columns and table.name not in TRACES | DESKS:
                mine = or_(*(column == owner_id for column in columns))
                if connection.execute(select(table).where(mine)).first() is None:
                    found.add(table.name)
    return found


def doors(app: Flask, ids: dict[str, str]) -> list[tuple[str, str, str]]:
    """(rule, its address with these ids, method) of every route outside the API that names one thing."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.arguments & ids.keys() and not rule.rule.startswith("/api/"):
            values = {name: ids.get(name, "x") for name in rule.arguments}
            with app.test_request_context():
                address = app.url_map.bind("localhost").build(rule.endpoint, values)
            found += [(rule.rule, address, method) for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})]
    return found


def strange_arguments(app: Flask) -> set[str]:
    """Arguments of routes of which these tests do not know whose things they name."""
    named = set().union(*(rule.arguments for rule in app.url_map.iter_rules()))
    return named - SHARED - FILES - UNKNOWN.keys()


def belongings(engine: Engine, owner_id: int) -> str:
    """Every row that says it is the owner's, as text: equal before and after, or somebody has changed it."""
    found = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            columns = [table.c[name] for name in OWNERS if name in table.c] if table.name not in TRACES else []
            if table.name == "users":
                columns = [table.c.id]
            if columns:
                mine = select(table).where(or_(*(column == owner_id for column in columns)))
                found[table.name] = sorted(str(row) for row in connection.execute(mine))
    return json.dumps(found)


def server_callbacks(app: Flask, client: FlaskClient) -> list[dict[str, Any]]:
    """Everything the browser is told of callbacks that run on the server."""
    known = client.get("/_dash-dependencies").get_json()
    found = [one for one in known if not one.get("clientside_function")]
    assert len(found) == sum("callback" in one for one in app.extensions["bolt_dash"].callback_map.values())
    return found


def offenders(app: Flask, client: FlaskClient, engine: Engine, planted: Planted, *, among: str = "") -> list[str]:
    """Callbacks that tell this person the canary, change what is the owner's, or break, whatever they are sent.

    `among` is a part of their output's name, for a test that needs few.
    """
    before, headers, found = belongings(engine, planted.owner_id), dash_headers(client), []
    for callback in server_callbacks(app, client):
        if among not in callback["output"]:
            continue
        takes_wishes = any(one["property"] == "data" for one in callback["inputs"])
        for guess in (None, *planted.guesses, *(planted.wishes if takes_wishes else ())):
            body = body_of(callback)
            for place in [*body["inputs"], *body["state"]]:
                if isinstance(place, dict):
                    place["value"] = guess
            answer = client.post(CALLBACKS, json=body, headers=headers)
            if CANARY in answer.text.replace(json.dumps(guess), ""):
                found.append(f"{callback['output']} tells it for {guess!r}")
            if answer.status_code >= 500:
                found.append(f"{callback['output']} breaks with {guess!r}")
        if belongings(engine, planted.owner_id) != before:
            found.append(f"{callback['output']} changes what is the owner's")
            before = belongings(engine, planted.owner_id)
    return found
