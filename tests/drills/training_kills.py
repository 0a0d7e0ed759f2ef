"""Killing a training ten times: `python -m tests.drills.training_kills [--single]`.

A walk-forward of small networks runs in a process of its own that is killed with SIGKILL at a random epoch, ten times;
each time the job is given back as its worker would, and another process takes it up. In the end exactly one version
must be published, no part may be trained twice, and nothing may lie about. Ends with 1 where that is not so.
`--single` does the same to a training of one split, which is one job.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

import core.settings
import db.engine
import db.migrate
from core import job_queue, market_name
from core.jobs import TRAIN_MODEL, JobState
from core.settings import Settings
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey
from dashapp.version import ROOT
from db.queries import candles, job_claims, jobs, markets, trained_models, training_runs
from tests.candles import walk
from workers import walk_forward

KILLS = 10
PATIENCE = 900.0  # seconds a process may take to its first epoch
RUN = "import sys, workers.engine; workers.engine.run(sys.argv[1])"
ASKED: dict[str, Any] = {
    "markets": ["demo:BTC/USDT"],
    "timeframe": "1h",
    "horizon": 3,
    "epochs": 80,
    "seeds": 2,
    "units": [32, 16],
    "window": 30,
    "patience": 80,
}
WALK = {"scheme": "rolling", "folds": 2, "train_days": 30}


@contextmanager
def servers() -> Iterator[Settings]:
    """PostgreSQL and Valkey of our own, and a folder for models."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres(Path(folder), "drill-password-" * 3, durable=False)
        valkey = Valkey(Path(folder), "drill-password-" * 3)
        postgres.start()
        valkey.start()
        engine = db.engine.connect(postgres.url)
        try:
            db.migrate.upgrade(engine)
            job_queue.connect(valkey.url)
            yield core.settings.read({"BOLT_DATA": folder, "DATABASE_URL": postgres.url, "REDIS_URL": valkey.url})
        finally:
            engine.dispose()
            valkey.stop()
            postgres.stop()


def begin(settings: Settings, job_id: str) -> "subprocess.Popen[bytes]":
    env = os.environ | {
        "BOLT_DATA": str(settings.bolt_data),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
    }
    return subprocess.Popen([sys.executable, "-c", RUN, job_id], cwd=ROOT, env=env, stderr=subprocess.DEVNULL)


def epochs(settings: Settings, run_id: str) -> int:
    """Epochs that are trained and kept: over all parts, or in the checkpoints of a single split."""
    with db.engine.session() as session:
        rows = training_runs.parts(session, run_id)
    if not rows:
        return sum(map(kept, walk_forward.folder(settings.models, run_id).glob("lstm-0/seed-*.npz")))
    return sum(len((row.metrics or row.progress).get("val_losses") or []) for row in rows)


def kept(checkpoint: Path) -> int:
    """Epochs in a checkpoint."""
    with np.load(checkpoint, allow_pickle=False) as found:
        return len(json.loads(found["meta"].tobytes())["course"]["val_losses"])


def give_back(run_id: str, attempt: int) -> None:
    """What a worker does when its child was killed, and the reaper for the part that died with it."""
    with db.engine.session() as session:
        job_claims.release(session, run_id, attempt, reason="killed by the drill")
        session.execute(text("UPDATE jobs SET heartbeat_at = now() - interval '2 minutes' WHERE state = 'running'"))


def kill_at_a_random_epoch(settings: Settings, run_id: str, number: int, chance: random.Random) -> int:
    """Run until a few more epochs stand than before, then SIGKILL; returns how many stood."""
    goal, deadline = epochs(settings, run_id) + chance.randint(1, 8), time.monotonic() + PATIENCE
    process = begin(settings, run_id)
    while epochs(settings, run_id) < goal and process.poll() is None and time.monotonic() < deadline:
        time.sleep(chance.uniform(0.05, 0.4))
    if process.poll() is not None:
        raise SystemExit(f"kill {number}: the process ended by itself with {process.returncode}")
    process.kill()
    process.wait()
    give_back(run_id, number)
    return epochs(settings, run_id)


def main() -> int:
    single = "--single" in sys.argv[1:]
    chance = random.Random(7)
    with servers() as settings:
        with db.engine.session() as session:
            market = markets.get_or_create(session, market_name.parse("demo:BTC/USDT"), simulated=True)
            candles.upsert(session, market.id, "1h", walk(1_400))
            run_id = jobs.create(session, TRAIN_MODEL, ASKED if single else ASKED | WALK).id
        for number in range(1, KILLS + 1):
            stood = kill_at_a_random_epoch(settings, run_id, number, chance)
            print(f"kill {number:2}: {stood} epochs stand", flush=True)
        begin(settings, run_id).wait()
        with db.engine.session() as session:
            job, versions = jobs.get(session, run_id), trained_models.table(session)
            done = [row.state for row in training_runs.parts(session, run_id)]
        left = list((settings.models / ".work").glob("*"))
        parts = "a single split" if single else f"{done.count('done')} parts done"
        print(f"job {job.state} at attempt {job.attempt}, {len(versions)} version, {parts}, {len(left)} folders left")
        return 0 if job.state == JobState.SUCCEEDED and len(versions) == 1 and not left else 1


if __name__ == "__main__":
    sys.exit(main())
