"""Everything of an account as a file, and the account's end."""

import io
import json
import zipfile

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.roles import Role
from db.base import Base
from db.queries import own_data, users
from db.queries.own_data import SECRET
from db.tables import Mail, User
from tests.web import OWNER, PASSWORD, SignIn, post_form, sign_in

MARA = "analyst@example.org"


def opened(data: bytes) -> dict[str, list[dict]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_the_file_holds_ones_own_rows_and_nobody_elses(signed_in: SignIn, session: Session) -> None:
    signed_in(Role.VIEWER)
    client = signed_in(Role.ANALYST)
    answer = client.get("/my-data.zip")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    parts = opened(answer.data)
    assert [row["email"] for row in parts["bolt/users.json"]] == [MARA]
    assert parts["bolt/audit_events.json"]
    text = json.dumps(parts)
    assert "viewer@example.org" not in text
    assert users.by_email(session, MARA).password_hash not in text


def test_no_table_that_names_an_account_is_forgotten() -> None:
    """Every table with a column that refers to accounts is either read or goes with a row that is."""
    for table in Base.metadata.tables.values():
        if any(key.column.table.name == "users" for key in table.foreign_keys):
            assert own_data._owned(table, 1) is not None, table.name


def test_no_column_that_looks_secret_is_exported() -> None:
    for table in Base.metadata.tables.values():
        if own_data._owned(table, 1) is None:
            continue
        for column in table.columns:
            looks = any(word in column.name for word in ("hash", "secret", "sealed", "token"))
            shown = {"hash", "previous", "data_hash", "dataset_hash", "code_hash", "config_hash"}
            assert not looks or column.name in SECRET | shown, f"{table.name}.{column.name}"


def test_an_account_ends_with_the_password_and_its_own_address(signed_in: SignIn, app: Flask, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    assert post_form(client, "/delete-account", email=OWNER, current=PASSWORD).status_code == 422
    assert post_form(client, "/delete-account", email=MARA, current="wrong").status_code == 403
    assert users.by_email(session, MARA) is not None
    session.rollback()
    gone = post_form(client, "/delete-account", email=MARA, current=PASSWORD)
    assert gone.headers["Location"] == "/login"
    assert users.by_email(session, MARA) is None
    assert client.get("/profile").status_code == 302
    assert sign_in(app.test_client(), MARA).status_code == 401
    told = session.scalars(select(Mail)).one()
    assert (told.kind, told.address, told.user_id) == ("account_removed", MARA, None)


def test_the_owner_stays(client, owner: int, session: Session) -> None:
    sign_in(client, OWNER)
    assert "can't be deleted" in client.get("/delete-account").text
    token = client.get("/two-factor").text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": OWNER, "current": PASSWORD}
    assert client.post("/delete-account", data=fields).status_code == 403
    assert session.scalars(select(User.email)).all() == [OWNER]


def test_times_in_the_file_are_rfc_3339() -> None:
    from dashapp.auth.own_data import packed

    now = utc_now()
    assert opened(packed({"x": [{"at": now}]}, now)) == {"bolt/x.json": [{"at": now.isoformat()}]}
