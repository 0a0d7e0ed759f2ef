"""Every scorecard as CSV, for everybody who is signed in: the record is public on this desk."""

from flask import Blueprint, Flask, Response

import db.engine
from callbacks.trail import note
from db.queries import scorecards
from ml import score_table

blueprint = Blueprint("score_export", __name__)


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/predictions/scorecard.csv")
def export() -> Response:
    """One line a version, market and kind of market; simulated ones say so in a column of their own."""
    with db.engine.session() as session:
        text = score_table.as_csv(scorecards.records(session))
        note(session, "scorecards_exported", "every scorecard")
    answer = Response(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=bolt-scorecard.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer
