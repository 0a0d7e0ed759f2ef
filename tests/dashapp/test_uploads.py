"""Handing in files: who may, what is refused, and what becomes of a file."""

import gzip
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.jobs import IMPORT_FILE
from core.roles import Role
from dashapp.uploads import NAME_LENGTH
from db.queries import jobs
from db.tables import Job, Upload
from tests.web import SignIn, dash_headers

CSV = b"timestamp,open,high,low,close,volume\n1609459200000,1,2,0.5,1.5,3\n"
FIELDS = {"exchange": "Binance", "symbol": "btc/usdt", "timeframe": "1h"}


def hand_in(
    client: FlaskClient, content: bytes = CSV, *, token: bool = True, file_name: str = "btc.csv.gz", **fields: str
) -> Any:
    data = {**FIELDS, **fields, "file": (BytesIO(content), file_name)}
    headers = dash_headers(client) if token else {}
    return client.post("/markets/import", data=data, headers=headers, content_type="multipart/form-data")


def kept(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Upload)) or 0


def test_an_analyst_hands_in_a_file_and_a_job_stands_for_it(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    answer = hand_in(client, gzip.compress(CSV), skip_bad="1")
    assert answer.status_code == 202
    job = jobs.get(session, answer.get_json()["job"])
    assert job.name == IMPORT_FILE.name
    assert job.owner_id == client.user_id  # type: ignore[attr-defined]
    upload = session.get(Upload, job.args.pop("upload_id"))
    assert upload is not None
    assert gzip.decompress(upload.content) == CSV
    assert job.args == {
        "exchange": "binance",
        "symbol": "BTC/USDT",
        "timeframe": "1h",
        "skip_bad": True,
        "one_coin": False,
    }


def test_a_viewer_may_not_import(signed_in: SignIn, session: Session) -> None:
    answer = hand_in(signed_in(Role.VIEWER))
    assert answer.status_code == 403
    assert "analyst" in answer.get_json()["sentence"]
    assert kept(session) == 0


def test_a_stranger_is_turned_away(client: FlaskClient, owner: int, session: Session) -> None:
    assert hand_in(client, token=False).status_code in {302, 401}
    assert kept(session) == 0


def test_without_the_token_nothing_is_taken(signed_in: SignIn, session: Session) -> None:
    assert hand_in(signed_in(Role.ANALYST), token=False).status_code == 400
    assert kept(session) == 0


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"symbol": "btcusdt"}, "BTC/USDT"),
        ({"exchange": "no way"}, "binance"),
        ({"timeframe": "7h"}, "1m, 5m"),
        ({"timeframe": ""}, "1m, 5m"),
    ],
)
def test_wrong_words_are_refused_with_the_form_wanted(
    signed_in: SignIn, session: Session, fields: dict[str, str], word: str
) -> None:
    answer = hand_in(signed_in(Role.ANALYST), **fields)
    assert answer.status_code == 422
    assert word in answer.get_json()["sentence"]
    assert kept(session) == 0
    assert session.scalar(select(func.count()).select_from(Job)) == 0


def test_a_form_without_a_file_is_refused(signed_in: SignIn) -> None:
    client = signed_in(Role.ANALYST)
    answer = client.post("/markets/import", data=FIELDS, headers=dash_headers(client))
    assert answer.status_code == 422
    assert "Choose one" in answer.get_json()["sentence"]


def test_a_file_over_the_limit_is_too_large(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    most = client.application.extensions["bolt_settings"].max_upload_mb
    assert hand_in(client, bytes(most * 1024 * 1024 + 1)).status_code == 413
    assert kept(session) == 0


@pytest.mark.parametrize(
    ("sent", "stands"),
    [("a\x00b.csv", "a_b.csv"), ("a\u202eb.csv", "a_b.csv"), ("n" * 3_000, "n" * NAME_LENGTH)],
)
def test_r29_a_file_name_that_cannot_be_stored_is_kept_readable(
    signed_in: SignIn, session: Session, sent: str, stands: str
) -> None:
    assert hand_in(signed_in(Role.ANALYST), file_name=sent).status_code == 202
    assert session.scalars(select(Upload.file_name)).one() == stands


def test_s36_one_person_cannot_fill_the_desk_with_files(signed_in: SignIn, session: Session) -> None:
    client = signed_in(Role.ANALYST)
    most = jobs.OPEN_AT_MOST[IMPORT_FILE.name]
    assert [hand_in(client).status_code for _ in range(most)] == [202] * most
    refused = hand_in(client)
    assert (refused.status_code, kept(session)) == (429, most)
    assert f"already have {most}" in refused.get_json()["sentence"]
