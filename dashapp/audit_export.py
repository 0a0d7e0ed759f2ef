"""The audit log as CSV, for admins; for everybody else there is nothing at this address."""

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from flask import Blueprint, Flask, Response, abort, request, stream_with_context
from flask_login import current_user

import db.engine
from callbacks.admin_audit import FILTERS, wanted_of
from callbacks.trail import denied, note
from core.roles import Role, covers
from core.spreadsheet import line
from db.queries import audit
from db.tables import AuditEvent

HEAD = ("id", "at", "actor_id", "actor", "action", "object", "ip", "result", "detail", "previous", "hash")

blueprint = Blueprint("audit_export", __name__)


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/admin/audit.csv")
def export() -> Response:
    """Every event that fits what the page filters by, oldest first. That it was exported stands in the log as well."""
    if not covers(current_user.role, Role.ADMIN):
        denied("audit_export.export", held=Role(current_user.role), needed=Role.ADMIN)
        abort(404)
    wanted = wanted_of(*(request.args.get(name) for name in FILTERS))
    with db.engine.session() as session:
        given: dict[str, Any] = {f"by_{name}": value for name in FILTERS if (value := request.args.get(name))}
        note(session, "audit_exported", "audit log", **given)
    answer = Response(stream_with_context(_lines(wanted)), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=bolt-audit.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _lines(wanted: audit.Wanted) -> Iterator[str]:
    yield line(HEAD)
    with db.engine.session() as session:
        for event in audit.stream(session, wanted):
            yield line(_values(event))
            session.expunge(event)


def _values(event: AuditEvent) -> tuple[object, ...]:
    at, detail = event.at.astimezone(UTC).isoformat(), json.dumps(event.detail, sort_keys=True)
    who = (event.actor_id, event.actor, event.action, event.object, event.ip, event.result)
    return (event.id, at, *who, detail, event.previous, event.hash)
