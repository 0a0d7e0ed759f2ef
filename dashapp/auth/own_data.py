"""One's own data: everything Bolt holds of an account as a file, and the account's end."""

import io
import json
import zipfile
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

import db.engine
from core.clock import utc_now
from core.errors import Forbidden
from dashapp.auth import accounts, sessions
from dashapp.auth.answers import address, farewell, show_form
from dashapp.auth.forms import RemovalForm
from dashapp.auth.proof import unproved
from dashapp.auth.turns import turn
from db.queries import audit, mails, own_data, users
from db.queries.users import normal_email

blueprint = Blueprint("own_data", __name__)


@blueprint.get("/my-data.zip")
def export() -> Response:
    """A ZIP with one JSON file for each kind of thing."""
    now = utc_now()
    with db.engine.session() as session:
        parts = own_data.everything(session, current_user.id)
        audit.by_user(session, users.get(session, current_user.id), "own_data_exported", ip=address())
    answer = Response(packed(parts, now), mimetype="application/zip")
    answer.headers["Content-Disposition"] = f"attachment; filename=bolt-{now:%Y-%m-%d}.zip"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def packed(parts: dict[str, list[dict[str, Any]]], now: datetime) -> bytes:
    """The bytes of the ZIP; times as RFC 3339."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in parts.items():
            info = zipfile.ZipInfo(f"bolt/{name}.json", now.timetuple()[:6])
            archive.writestr(info, json.dumps(rows, indent=1, ensure_ascii=False, default=_plain))
    return out.getvalue()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@blueprint.route("/delete-account", methods=["GET", "POST"])
def remove() -> ResponseReturnValue:
    """The end of the account: what goes, what stays, the address typed, the password."""
    form, now = RemovalForm(), utc_now()
    if current_user.is_owner or not form.validate_on_submit():
        return show_form(
            "delete_account.html", form, 403 if current_user.is_owner and request.method == "POST" else None
        )
    if normal_email(form.email.data or "") != current_user.email:
        form.email.errors = ["Type the address of this account."]
        return show_form("delete_account.html", form, 422)
    if page := unproved("delete_account.html", form, now):
        return page
    try:
        _remove(form.current.data or "", now)
    except Forbidden as refused:
        form.current.errors = [refused.sentence]
        return show_form("delete_account.html", form, 403)
    sessions.end(now=now, action="sign_out")
    return farewell()


def _remove(password: str, now: datetime) -> None:
    with turn(), db.engine.session() as session:
        user = users.get(session, current_user.id)
        mails.put(session, user, "account_removed", now=now, ip=address())
        accounts.remove(session, user.id, password, ip=address())
