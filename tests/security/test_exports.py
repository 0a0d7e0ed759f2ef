"""S23: whatever people typed leaves Bolt as text that no spreadsheet calculates, and numbers leave as numbers."""

import csv
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.jobs import IMPORT_FILE
from core.market_name import parse
from core.ohlcv import Candles
from core.roles import Role
from core.spreadsheet import FORMULA, line
from dashapp.config import ROOT
from db.queries import audit, candles, jobs, markets, refusals
from market import history_files
from tests.api import asker, login
from tests.candle_data import store, walk
from tests.web import OWNER, SignIn

LINK = '=HYPERLINK("https://evil.example";"here")'
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "|cmd", "\t=1", "\r=1", "\n=1", LINK, '=cmd|"/C x"!A0', "=1,2", '="a"')


def audited(session: Session, client: FlaskClient) -> str:
    for text in FORMULAS:
        audit.record(session, actor_id=None, actor=text, action="role_changed", object=text, ip=text)
    session.commit()
    return "/admin/audit.csv"


def refused(session: Session, client: FlaskClient) -> str:
    user_id: int = client.user_id  # type: ignore[attr-defined]
    job = jobs.create(session, IMPORT_FILE, {}, owner_id=user_id)
    lines = list(enumerate(FORMULAS, 1))
    refusals.keep(session, job.id, lines, user_id=user_id, import_id=None, file_name="=x.csv")
    session.commit()
    return f"/markets/refused/{job.id}.csv"


@pytest.mark.parametrize(("plant", "cells"), [(audited, 2), (refused, 1)])
def test_s23_what_a_spreadsheet_would_calculate_is_exported_as_text(
    signed_in: SignIn, session: Session, plant: Callable[[Session, FlaskClient], str], cells: int
) -> None:
    client = signed_in(Role.ADMIN)
    answer = client.get(plant(session, client))
    assert answer.status_code == 200
    assert re.fullmatch(r"attachment; filename=[a-z-]+\.csv", answer.headers["Content-Disposition"])
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    found = [cell for row in rows for cell in row]
    assert [cell for cell in found if cell.startswith(FORMULA)] == []
    kept = [cell for text in FORMULAS for cell in found if cell == f"'{text}"]
    plain = [text for text in FORMULAS if text.isprintable()]  # the audit log keeps one line of printable text
    assert len([cell for cell in kept if cell[1:] in plain]) >= cells * len(plain)
    assert all(row[0].isdigit() for row in rows[1:]), "numbers stay numbers"


def test_s23_every_text_stands_in_quotes_and_no_number_does() -> None:
    made = line([*FORMULAS, -5, -0.25, 1e-9, 3, None, True, 'a "b", c'])
    read = next(csv.reader(io.StringIO(made, newline="")))
    assert read == [*(f"'{text}" for text in FORMULAS), "-5", "-0.25", "1e-09", "3", "", "true", 'a "b", c']
    assert made.endswith(',-5,-0.25,1e-09,3,"","true","a ""b"", c"\n')
    assert made.startswith('"\'=1+1","\'+1","\'-1",')


def test_s23_no_other_place_writes_csv_of_what_people_typed() -> None:
    """Candles alone, which are numbers, are written without `core.spreadsheet.line`."""
    folders = ("core", "db", "market", "ml", "alerts", "layouts", "callbacks", "dashapp", "workers", "demo")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    writers = {str(path.relative_to(ROOT)) for path in files if "csv.writer(" in path.read_text(encoding="utf-8")}
    assert writers == {"core/spreadsheet.py", "dashapp/api/tables.py"}


def test_s23_candles_that_were_exported_are_imported_as_they_were(app: Flask, owner: int, session: Session) -> None:
    """By the API and by the command; with prices that need every digit."""
    bars = walk(48)
    awkward = Candles(bars.time, *(c * 1.1e-7 for c in (bars.open, bars.high, bars.low, bars.close)), bars.volume / 3)
    store(session, "binance:BTC/USDT", awkward)
    ask = asker(app, login(app, OWNER)["access_token"])
    path = "/markets/BTC-USDT/candles?exchange=binance&timeframe=1h&limit=500"
    by_api = ask("GET", path, headers={"Accept": "text/csv"}).get_data()
    out = io.StringIO()
    history_files.export_csv(session, parse("binance:BTC/USDT"), "1h", out)
    for name, content in (("kraken:BTC/USDT", by_api), ("coinbase:BTC/USDT", out.getvalue().encode())):
        history_files.import_file(session, content, parse(name), "1h", file_name="own.csv", now=utc_now())
        session.commit()
        read = candles.read(session, markets.get(session, parse(name)).id, "1h")
        for mine, theirs in zip(read.columns(), awkward.columns(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
