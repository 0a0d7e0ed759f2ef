"""The current password, asked on a page before what can't be undone."""

from datetime import datetime
from typing import Any

from flask import Response
from flask_login import current_user

from dashapp.auth.answers import address, paused, show_form
from dashapp.auth.forms import ProofForm
from dashapp.auth.passwords import WrongPassword
from dashapp.auth.sign_in import prove


def unproved(template: str, form: ProofForm, now: datetime, **more: Any) -> Response | None:
    """The page once more where the password was wrong, or tries are paused; None where it was right."""
    proved = prove(current_user.id, current_user.email, form.current.data or "", address=address(), now=now)
    if isinstance(proved, datetime):
        return paused(template, form, proved, now, **more)
    if not proved:
        form.current.errors = [WrongPassword().sentence]
        return show_form(template, form, 403, **more)
    return None
