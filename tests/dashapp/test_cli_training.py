"""`train` goes on with what was begun, whatever ended the command before; `jobs` lists and cancels."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

import db.engine
from core import market_name
from core.jobs import TOP_UP, TRAIN_FOLD, TRAIN_MODEL
from dashapp.cli import following, models
from dashapp.version import ROOT
from db.queries import audit, candles, job_claims, jobs, markets, trained_models, training_runs
from db.tables import Job
from ml import config
from tests.candles import walk
from tests.dashapp.test_cli import Run, environ, run

__all__ = ["environ", "run"]

ASKED = ("train", "--markets", "demo:BTC/USDT", "--timeframe", "1h", "--horizon", "3")
WALK = (*ASKED, "--full", "--folds", "2", "--seeds", "2", "--train-days", "30")
PARTS = 5
QUICK = (*ASKED, "--full", "--folds", "2", "--seeds", "1", "--train-days", "30", "--epochs", "1")
PATIENCE = 300.0  # seconds
TINY = """
import sys
from dashapp.cli import train_options
usual = train_options.read
train_options.read = lambda asked: usual(asked) | {"units": [4], "window": 8}
from dashapp.cli.main import main
sys.exit(main())
"""


def begun(session: Session, job_id: str, *, done: int) -> None:
    """The job is at work, and so many of its parts are trained."""
    job_claims.claim(session, job_id)
    keys = [("lstm", fold, seed) for fold in (0, 1) for seed in (1, 2)] + [("shuffled", 0, 1)]
    training_runs.begin(session, job_id, config={}, until_ms=0, candles="", parts=keys)
    for kind, fold, seed in keys[:done]:
        training_runs.finish(session, job_id, kind, fold, seed, metrics={}, files={})
    session.commit()


def test_the_same_training_asked_for_again_is_the_same_job_and_says_how_far_it_is(run: Run, session: Session) -> None:
    first = json.loads(run(*WALK, "--json")[1])
    assert first["new"]
    begun(session, first["job"], done=3)
    code, out, err = run(*WALK, "--json")
    again = json.loads(out)
    assert (code, again) == (0, {"job": first["job"], "new": False})
    started = jobs.get(session, first["job"]).started_at
    assert started is not None
    assert f"Going on with the training begun at {started:%Y-%m-%d %H:%M} UTC, 3 of {PARTS} parts done." in err
    assert "is at work" in run(*WALK)[1]
    other = json.loads(run(*WALK, "--cost", "0.001", "--json")[1])
    assert other["new"] and other["job"] != first["job"]
    assert len(jobs.latest(session, name=TRAIN_MODEL.name)) == 2


def test_a_single_split_is_gone_on_with_as_well(run: Run, session: Session) -> None:
    job_id = json.loads(run(*ASKED, "--json")[1])["job"]
    job = job_claims.claim(session, job_id)
    assert job is not None
    job_claims.beat(session, job_id, 1, {"fraction": 0.1, "message": "Epoch 6 of 60"})
    session.commit()
    code, out, err = run(*ASKED, "--json")
    assert (code, json.loads(out)["job"]) == (0, job_id)
    assert "Epoch 6 of 60." in err


def test_a_training_that_is_being_cancelled_is_not_gone_on_with(run: Run, session: Session) -> None:
    job_id = json.loads(run(*ASKED, "--json")[1])["job"]
    job_claims.claim(session, job_id)
    jobs.request_cancel(session, job_id)
    session.commit()
    code, _, err = run(*ASKED)
    assert code == 1 and "is being cancelled" in err
    job_claims.cancel(session, job_id, 1)
    session.commit()
    assert json.loads(run(*ASKED, "--json")[1])["new"]


@pytest.mark.parametrize(
    ("alone", "words"), [(True, "the same command goes on with it"), (False, "goes on in the background")]
)
def test_ctrl_c_while_waiting_for_a_walk_forward_keeps_it(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch, alone: bool, words: str
) -> None:
    @contextmanager
    def nobody(*_: Any) -> Iterator[bool]:
        yield alone

    def interrupt(_progress: dict[str, Any]) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "workers", nobody)
    monkeypatch.setattr(following, "_progress", interrupt)
    code, _, err = run(*WALK, "--wait")
    job = session.query(Job).one()
    assert code == 130
    assert words in err and f"`jobs cancel {job.id}`" in err
    assert (job.state, job.cancel_requested) == ("queued", False)


def test_jobs_are_listed_and_one_is_cancelled_with_its_parts(run: Run, session: Session) -> None:
    assert run("jobs")[:2] == (0, "There is no job.\n")
    job_id = json.loads(run(*WALK, "--json")[1])["job"]
    begun(session, job_id, done=1)
    (listed,) = [row for row in json.loads(run("jobs", "--json")[1]) if row["job"] == TRAIN_MODEL.name]
    assert (listed["id"], listed["state"], listed["asked_by"]) == (job_id, "running", audit.COMMAND_LINE)
    assert job_id in run("jobs")[1]
    assert run("jobs", "cancel", job_id)[:2] == (0, f"Job {job_id} stops soon.\n")
    session.expire_all()
    assert jobs.get(session, job_id).cancel_requested
    assert {job.state for job in jobs.latest(session, name=TRAIN_FOLD.name)} == {"cancelled"}
    (event,) = audit.page(session, audit.Wanted(action="job_cancelled"))
    assert (event.actor, event.object) == (audit.COMMAND_LINE, f"job {job_id}")


def test_a_waiting_job_is_cancelled_at_once_and_an_ended_one_stays(run: Run, session: Session) -> None:
    job_id = jobs.create(session, TOP_UP, {}).id
    session.commit()
    assert run("jobs", "cancel", job_id)[:2] == (0, f"Job {job_id} is cancelled.\n")
    assert json.loads(run("jobs", "cancel", job_id, "--json")[1]) == {"job": job_id, "state": "cancelled"}
    assert "had ended: cancelled" in run("jobs", "cancel", job_id)[1]
    assert len(audit.page(session, audit.Wanted(action="job_cancelled"))) == 1


@pytest.mark.parametrize(("words", "said"), [(("cancel",), "Name the job"), (("cancel", "unknown"), "no such job")])
def test_a_job_that_is_not_there_is_not_cancelled(run: Run, words: tuple[str, ...], said: str) -> None:
    code, _, err = run("jobs", *words)
    assert code == 1 and said in err


def test_a_command_alone_gives_back_what_a_killed_process_held(run: Run, session: Session) -> None:
    job_id = json.loads(run(*ASKED, "--json")[1])["job"]
    job_claims.claim(session, job_id)
    session.execute(text("UPDATE jobs SET heartbeat_at = now() - interval '2 minutes'"))
    session.commit()
    following.mend()
    session.expire_all()
    assert jobs.get(session, job_id).state == "retrying"


def wait_for(there: Callable[[], bool], command: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert command.poll() is None, "the command ended before"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def parts_done() -> int:
    with db.engine.session() as session:
        runs = jobs.latest(session, name=TRAIN_MODEL.name)
        return sum(part.state == "done" for job in runs for part in training_runs.parts(session, job.id))


@pytest.mark.timeout(600)
def test_a_command_that_was_killed_goes_on_when_it_is_started_again(
    environ: dict[str, str], session: Session, tmp_path: Path
) -> None:
    market = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
    candles.upsert(session, market.id, "1h", walk(900))
    session.commit()
    env = os.environ | environ | {"WORKERS_TRAIN": "1"}
    command = [sys.executable, "-c", TINY, *QUICK, "--wait", "--json"]
    first = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: parts_done() > 0, first)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    stood = parts_done()
    second = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert second.returncode == 0, second.stderr
    assert "Going on with the training begun at" in second.stderr and "of 3 parts done" in second.stderr
    session.expire_all()
    (job,) = jobs.latest(session, name=TRAIN_MODEL.name)
    (version,) = trained_models.table(session)
    assert (job.state, version.version, json.loads(second.stdout)["job"]) == ("succeeded", 1, job.id)
    assert job.attempt > 1 and 0 < stood <= 3
    assert len(jobs.latest(session, name=TRAIN_FOLD.name, limit=50)) == 3  # none was asked for anew
    assert job.dedupe is not None and job.dedupe.startswith(f"train:{version.name}:")
    assert config.from_dict(training_runs.get(session, job.id).config).work == job.dedupe
