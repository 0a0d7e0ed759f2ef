"""The open call says what moved it: one job is asked, its answer is drawn, the board asks for nothing."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.jobs import EXPLAIN_CALL
from core.roles import Role
from db.queries import explanations, job_claims, jobs, predictions
from tests.callbacks.test_predictions import called
from tests.fire import fire
from tests.web import SignIn

SHARES = [
    {"feature": name, "change": 0.031 - n / 100, "last": 1.0 - n}
    for n, name in enumerate(("rsi_14", "range", "volume_z", "log_return", "bollinger_b", "atr_over_price"))
]


@pytest.fixture
def search(session: Session, tmp_path: Path) -> str:
    called(session, tmp_path, "demo:BTC/USDT", utc_now())
    (call,) = predictions.latest(session)
    return f"?market=demo/BTC-USDT&tf=1h&model={call.model_id}"


def look(client: FlaskClient, search: str, seen: Any = None) -> Any:
    inputs = {"predictions-tick.n_intervals": 1, "_pages_location.search": search}
    return fire(client, inputs, {"predictions-moved-seen.data": seen}, output="predictions-moved-seen")


def answered(session: Session, result: dict[str, Any] | None) -> None:
    """The worker's end of the one open job; None where it failed."""
    (job,) = jobs.latest(session, name=EXPLAIN_CALL.name)
    claimed = job_claims.claim(session, job.id)
    assert claimed is not None
    if result is None:
        assert job_claims.fail(session, job.id, claimed.attempt, reason="out_of_memory")
    else:
        assert job_claims.succeed(session, job.id, claimed.attempt, result=result)
    session.commit()


def test_a_worker_is_asked_once_and_its_answer_drawn(signed_in: SignIn, session: Session, search: str) -> None:
    client = signed_in(Role.VIEWER)
    for _ in range(2):
        assert "Loading" in str(look(client, search).get_json())
    (job,) = jobs.latest(session, name=EXPLAIN_CALL.name)
    assert job.owner_id is None, "nobody is told that it has ended"
    answered(session, {"said": "bullish", "shares": SHARES})
    answer = look(client, search).get_json()["response"]
    text = str(answer["predictions-moved"])
    for words in ("What moved it", "RSI 14", "+3.1 pp", "To bullish", "high", "1 more", "not the market"):
        assert words in text
    assert look(client, search, answer["predictions-moved-seen"]["data"]).status_code == 204
    assert len(jobs.latest(session, name=EXPLAIN_CALL.name)) == 1


def test_the_page_says_why_it_cannot_be_known(signed_in: SignIn, session: Session, search: str) -> None:
    client = signed_in(Role.VIEWER)
    look(client, search)
    answered(session, {"detail": "The model's file x/model.onnx is damaged."})
    assert "model.onnx is damaged" in str(look(client, search).get_json())
    (call,) = predictions.latest(session)
    explanations.ask(call.id, asked_by="Predictions page")
    session.commit()
    newest = jobs.open_with(session, f"explain:{call.id}")
    assert newest is not None
    claimed = job_claims.claim(session, newest.id)
    assert claimed is not None and job_claims.fail(session, newest.id, claimed.attempt, reason="out_of_memory")
    session.commit()
    assert "could not be worked out. out_of_memory" in str(look(client, search).get_json())


def test_the_board_asks_for_nothing(signed_in: SignIn, session: Session, search: str) -> None:
    client = signed_in(Role.VIEWER)
    for address in ("", "?show=evidence", "?market=demo/NO-SUCH&tf=1h&model=1", "?market=%00&tf=x&model=y"):
        assert look(client, address).status_code == 204
    assert jobs.latest(session, name=EXPLAIN_CALL.name) == []
