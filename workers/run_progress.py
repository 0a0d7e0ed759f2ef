"""How far a walk-forward is as a whole, told while its parts are trained here and elsewhere."""

import logging
import threading
import time
from types import TracebackType
from typing import Any, Self

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.jobs import TRAIN_MODEL, JobState
from db.queries import job_claims, training_runs
from db.queries.training_runs import DONE, PartRow
from ml.parts import SHUFFLED, Key
from workers.context import JobContext

EVERY = 2.0  # seconds
SHARE = 0.95  # of the whole that training is; the rest is putting parts together
SHOWN_LOSSES = 200  # epochs of a part that are passed on

log = logging.getLogger(__name__)


class Follower:
    """`with Follower(context):` tells the job's progress from its parts, whoever trains them."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="run-progress", daemon=True)
        self._began = time.monotonic()
        self._first: float | None = None
        self._epochs: int | None = None
        self._further = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(EVERY):
            try:
                with self.context.session() as session:
                    rows = training_runs.parts(session, self.context.job_id)
                    self._count(session, rows)
            except SQLAlchemyError as error:
                log.warning("progress_missed", extra={"fault": type(error).__name__})
                continue
            if rows:
                self.tell(rows)

    def _count(self, session: Session, rows: list[PartRow]) -> None:
        """Once an epoch was trained since this attempt began, the attempt does not count as a failed one."""
        epochs = sum(plain(row)["epoch"] for row in rows)
        if self._epochs is None:
            self._epochs = epochs
        elif epochs > self._epochs and not self._further:
            context = self.context
            job_claims.got_further(session, context.job_id, context.attempt, attempts=TRAIN_MODEL.attempts)
            self._further = True

    def tell(self, rows: list[PartRow]) -> None:
        """Pass on how far the parts are, and how long the rest takes at the pace since this attempt began."""
        done = sum(share(row) for row in rows) / len(rows)
        self._first = done if self._first is None else self._first
        took, gone = time.monotonic() - self._began, done - self._first
        eta = round(took / gone * (1 - done)) if gone > 1e-6 else None
        count = sum(row.state == DONE for row in rows)
        self.context.progress(
            SHARE * done,
            f"{count} of {len(rows)} networks trained",
            stage="training",
            eta_s=eta,
            parts=[plain(row) for row in rows],
        )


def share(row: PartRow) -> float:
    """How far a part is, 0 to 1."""
    return 1.0 if row.state == DONE else min(float(row.progress.get("fraction") or 0.0), 0.99)


def plain(row: PartRow) -> dict[str, Any]:
    """What a page shows of a part. `state`: waiting, running, done, or how its job ended."""
    state = {JobState.RUNNING.value: "running", JobState.QUEUED.value: "waiting", JobState.RETRYING.value: "waiting"}
    told = row.metrics or row.progress
    val_losses = [round(v, 5) for v in told.get("val_losses") or []][:SHOWN_LOSSES]
    return {
        "fold": row.fold + 1,
        "seed": row.seed,
        "kind": row.kind,
        "title": Key.of(row).title,
        "state": "done" if row.state == DONE else state.get(row.job_state or "", row.job_state or "waiting"),
        "fraction": round(share(row), 4),
        "epoch": len(val_losses),
        "val_losses": [] if row.kind == SHUFFLED else val_losses,
    }
