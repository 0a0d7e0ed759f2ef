"""Files handed in on the Markets page: kept in the database, imported by a worker on whatever host."""

from flask import Blueprint, Flask, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

import core.market_name as market_name
import core.timeframe as timeframes
import db.engine
import db.queries.jobs as jobs
import db.queries.uploads as uploads
from callbacks.trail import denied, note
from core.errors import BoltError, Forbidden, Refused
from core.jobs import IMPORT_FILE
from core.roles import Role, covers

NAME_LENGTH = 200  # of a file's name that is kept
TOO_LARGE = 413

blueprint = Blueprint("uploads", __name__)


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.post("/markets/import")
def take_file() -> ResponseReturnValue:
    """Keep one file and have it imported: 202 with the job's id, or a sentence that says what is wrong."""
    try:
        return {"job": _take()}, 202
    except BoltError as error:
        return {"title": error.title, "sentence": error.sentence}, error.status


take_file.takes_files = True  # type: ignore[attr-defined]  # the gate lets its bodies be large


def _take() -> str:
    if not covers(current_user.role, Role.ANALYST):
        denied("uploads.take_file", held=Role(current_user.role), needed=Role.ANALYST)
        raise Forbidden("Importing needs the role analyst. Ask an admin of this desk.")
    form = request.form
    name = market_name.make(form.get("exchange", ""), form.get("symbol", ""))
    timeframe = timeframes.parse(form.get("timeframe", "")).name
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Refused("No file came along. Choose one and try again.")
    file_name, content = printable(file.filename), file.read()
    most = current_app.extensions["bolt_settings"].max_upload_mb
    if len(content) > most * 1024 * 1024:
        raise _too_large(most)
    with db.engine.session() as session:
        upload_id = uploads.add(session, current_user.id, file_name=file_name, content=content).id
    args = {
        "upload_id": upload_id,
        "exchange": name.exchange,
        "symbol": name.symbol,
        "timeframe": timeframe,
        "skip_bad": form.get("skip_bad") == "1",
        "one_coin": form.get("one_coin") == "1",
    }
    try:
        job_id = jobs.submit(IMPORT_FILE, args, owner_id=current_user.id)
    except Refused:  # too many wait already
        with db.engine.session() as session:
            uploads.remove(session, upload_id)
        raise
    with db.engine.session() as session:
        note(session, "import_asked", f"{name} {timeframe}", job=job_id, file=file_name, bytes=len(content))
    return job_id


def printable(file_name: str) -> str:
    """A file's name as it is kept: not too long, and `_` for what can't be shown or stored."""
    return "".join(c if c.isprintable() else "_" for c in file_name[:NAME_LENGTH])


def _too_large(most_mb: int) -> Refused:
    error = Refused(f"The file is larger than {most_mb} MB. Split it, or import it with `python -m dashapp`.")
    error.status = TOO_LARGE
    return error
