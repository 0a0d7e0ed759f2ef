"""The name of every background job and the queue it runs on, so that callers need not import workers.

A name maps to `workers.<module>.<function>`; the test of house rules imports every one of them.
"""

from dataclasses import dataclass
from enum import StrEnum


class Queue(StrEnum):
    """`now` goes before `market` at the same workers: what closed a second ago does not wait for the past."""

    NOW = "now"
    MARKET = "market"
    TRAIN = "train"
    PREDICT = "predict"
    ALERTS = "alerts"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING, JobState.RETRYING)
WAITING_STATES = (JobState.QUEUED, JobState.RETRYING)
SILENT_FOR = 60.0  # seconds without a heartbeat until a job counts as lost; hearts beat every 5
ENDED_STATES = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
CALLED = "called"  # the `code` a PREDICT_ONE job ends with when the call stands


@dataclass(frozen=True, slots=True)
class JobKind:
    """`target` is the worker function `fn(context, **args)`; `timeout` in seconds; `attempts` at most.

    `resumes`: what it did stands as a checkpoint, so that an attempt that took too long is followed by another.
    """

    name: str
    queue: Queue
    target: str
    timeout: int
    attempts: int = 3
    resumes: bool = False


PROBE_EXCHANGES = JobKind("probe_exchanges", Queue.NOW, "workers.market_data.probe_exchanges", 60)
FILL_DEMO = JobKind("fill_demo", Queue.MARKET, "workers.market_data.fill_demo", 900)
BACKFILL = JobKind("backfill", Queue.MARKET, "workers.market_data.backfill", 3_600)
TOP_UP = JobKind("top_up", Queue.NOW, "workers.market_data.top_up", 120)
SWITCH_SOURCES = JobKind("switch_sources", Queue.NOW, "workers.stand_ins.switch_sources", 120)
READ_COINS = JobKind("read_coins", Queue.MARKET, "workers.coins.read_coins", 120)
MEND_HISTORY = JobKind("mend_history", Queue.MARKET, "workers.history.mend_history", 120)
BUILD_PYRAMID = JobKind("build_pyramid", Queue.MARKET, "workers.pyramid.build_pyramid", 3_600)
READ_LISTINGS = JobKind("read_listings", Queue.MARKET, "workers.listings.read_listings", 300)
IMPORT_FILE = JobKind("import_file", Queue.NOW, "workers.imports.import_file", 1_800)
TRAIN_MODEL = JobKind("train_model", Queue.TRAIN, "workers.training.train_model", 12 * 3_600, resumes=True)
TRAIN_FOLD = JobKind("train_fold", Queue.TRAIN, "workers.walk_forward.train_fold", 12 * 3_600, resumes=True)
LEAK_LAB = JobKind("leak_lab", Queue.TRAIN, "workers.leak_lab.examine_model", 3_600)
PREDICT_DUE = JobKind("predict_due", Queue.PREDICT, "workers.predictions.predict_due", 300)
PREDICT_ONE = JobKind("predict_one", Queue.PREDICT, "workers.predictions.predict_one", 60)
EXPLAIN_CALL = JobKind("explain_call", Queue.PREDICT, "workers.explaining.explain_call", 60)
SETTLE_DUE = JobKind("settle_due", Queue.PREDICT, "workers.predictions.settle_due", 300)
WATCH_MODELS = JobKind("watch_models", Queue.PREDICT, "workers.watching.watch_models", 900)
REBUILD_MODEL = JobKind("rebuild_model", Queue.TRAIN, "workers.rebuilding.rebuild_model", 12 * 3_600)
SEND_MAILS = JobKind("send_mails", Queue.ALERTS, "workers.mail.send_mails", 300)

KINDS: dict[str, JobKind] = {
    kind.name: kind
    for kind in (
        PROBE_EXCHANGES,
        FILL_DEMO,
        BACKFILL,
        TOP_UP,
        SWITCH_SOURCES,
        READ_COINS,
        MEND_HISTORY,
        BUILD_PYRAMID,
        READ_LISTINGS,
        IMPORT_FILE,
        TRAIN_MODEL,
        TRAIN_FOLD,
        LEAK_LAB,
        PREDICT_DUE,
        PREDICT_ONE,
        EXPLAIN_CALL,
        SETTLE_DUE,
        WATCH_MODELS,
        REBUILD_MODEL,
        SEND_MAILS,
    )
}


def longest(queue: str) -> int:
    """Seconds that the longest job of a queue may take: a call may be answered by any of them."""
    return max((kind.timeout for kind in KINDS.values() if kind.queue == queue), default=0)
