"""What every process agrees with the database about."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.engine import make_engine


def test_s34_what_a_failing_statement_carried_stays_out_of_the_message(engine: Engine) -> None:
    ours = make_engine(engine.url.render_as_string(hide_password=False))
    try:
        with ours.connect() as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(text("SELECT CAST(:hash AS text), 1 / 0"), {"hash": "argon2-secret"})
        assert "argon2-secret" not in str(caught.value)
    finally:
        ours.dispose()
