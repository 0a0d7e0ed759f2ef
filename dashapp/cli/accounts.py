"""`setup-code`, `create-owner`, `reset-password`, `reset-two-factor`."""

import argparse
import getpass
import sys

from core.clock import utc_now
from core.errors import NotFound, Refused
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add

ON_STDIN = "The password is read from stdin."


def register(add: Add) -> None:
    add("setup-code", setup_code, "Print the code the first visit asks for.")
    create = add("create-owner", create_owner, f"Make the owner account. {ON_STDIN}")
    create.add_argument("--email", required=True)
    create.add_argument("--display-name", default="")
    add("reset-password", reset_password, f"Give an account a new password. {ON_STDIN}").add_argument(
        "--email", required=True
    )
    off = add("reset-two-factor", reset_two_factor, "Let an account sign in with its password alone again.")
    off.add_argument("--email", required=True)


def setup_code(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from dashapp.auth import setup

    with attached(settings, output) as found, db.engine.session() as session:
        code = setup.code(session, found.settings)
    output.result({"setup_code": code}, [code])
    return 0


def create_owner(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from dashapp.auth import accounts
    from db.queries import audit

    password = _read_password()
    with attached(settings, output), db.engine.session() as session:
        email = accounts.create_owner(
            session, asked.email, password, asked.display_name, actor=audit.COMMAND_LINE
        ).email
    output.result({"email": email}, [f"The owner {email} was created."])
    return 0


def reset_password(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from dashapp.auth import accounts

    password = _read_password()
    with attached(settings, output), db.engine.session() as session:
        accounts.reset_password(session, asked.email, password, now=utc_now())
    output.result({"email": asked.email}, [f"The password of {asked.email} was changed; every session has ended."])
    return 0


def reset_two_factor(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from dashapp.auth import factors
    from db.queries import audit, users

    with attached(settings, output), db.engine.session() as session:
        user = users.by_email(session, asked.email)
        if user is None:
            raise NotFound(f"There is no account {asked.email}.")
        factors.turn_off(session, user, now=utc_now(), ip="", actor=audit.COMMAND_LINE)
    output.result({"email": asked.email}, [f"{asked.email} signs in with the password alone again."])
    return 0


def _read_password() -> str:
    """One line of stdin; asked for without echo where a person sits there."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ", stream=sys.stderr)
    password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not password:
        raise Refused("No password came on stdin. Pipe it in: printf '%s\\n' 'the password' | python -m dashapp …")
    return password
