"""Three accounts and every door: what belongs to the owner, planted with a word, and who of the others gets to it.

Routes and callbacks are those of the running application; whoever adds one adds it to these tests.
"""

import json
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.jobs import IMPORT_FILE, JobState
from core.roles import Role
from db.base import Base
from db.queries import audit, invitations, jobs, tokens, users, watchlists
from tests.web import CALLBACKS, body_of, dash_headers

CANARY = "canary-4b7e"
UNKNOWN = {"job_id": "00000000-0000-4000-8000-000000000000", "token_id": "999999"}
SHARED = {"symbol", "model_id"}  # arguments of paths whose things belong to the desk, for everybody to read
OWNERS = ("user_id", "owner_id", "invited_by")  # columns that say whose a row is
# Written by looking and by being refused, not by changing what is somebody's.
TRACES = {"audit_events", "throttles", "user_sessions", "idempotency_keys"}


@dataclass(frozen=True, slots=True)
class Planted:
    """The owner's things: ids by the name they have in paths, and every id as a browser may send it."""

    owner_id: int
    ids: dict[str, str]

    @property
    def guesses(self) -> list[Any]:
        """Values that somebody else could put into a callback's places."""
        job = self.ids["job_id"]
        rows = [{"id": job, "user_id": self.owner_id, "name": CANARY}]
        return [self.owner_id, f"job/{job}", rows, {"rowId": job, "value": job}]


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
    audit.by_user(session, owner, "settings_changed", object=CANARY)
    session.commit()
    return Planted(owner_id, {"job_id": open_job.id, "token_id": str(token.id)})


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
        for guess in (None, *planted.guesses):
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
