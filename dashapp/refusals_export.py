"""Every refused line of a file as CSV, for whoever handed it in; for everybody else nothing is at this address."""

from flask import Blueprint, Flask, Response, abort
from flask_login import current_user

import db.engine
from callbacks.trail import note
from core.errors import NotFound
from core.spreadsheet import line
from db.queries import refusals

blueprint = Blueprint("refusals_export", __name__)


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/markets/refused/<job_id>.csv")
def export(job_id: str) -> Response:
    """Line and reason, by line."""
    try:
        with db.engine.session() as session:
            lines = refusals.lines_of(session, job_id, user_id=int(current_user.id))
            note(session, "refusals_exported", f"job {job_id}", lines=len(lines))
    except NotFound:
        abort(404)
    text = "".join(map(line, [("line", "reason"), *lines]))
    answer = Response(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=refused-lines.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer
