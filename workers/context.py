"""The composition root of the workers: what a job is given, and where it comes from."""

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redis import Redis
from sqlalchemy.orm import Session

import db.engine
from core import job_queue
from core.errors import Cancelled, LostClaim, NotFound
from core.settings import Settings
from db.queries import job_claims
from db.tables.users import Instance

if TYPE_CHECKING:
    from market.gateway import ExchangeGateway

DEMO = "demo"


class Interrupted(Exception):
    """The worker is being stopped; the job goes back to its queue and begins again from its last checkpoint."""


@dataclass(slots=True)
class Signals:
    """What the outside has told a running job; set by the heartbeat and by signals, read by the job."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)


@dataclass
class JobContext:
    """Handed to every worker function as its first argument.

    `helping`: the job is carried out within another one, which goes on afterwards.
    `progress` may be called as often as one likes: the heartbeat writes the newest at most once a second.
    """

    settings: Settings
    job_id: str
    attempt: int
    owner_id: int | None = None
    signals: Signals = field(default_factory=Signals)
    helping: bool = False
    published: bool = False
    latest: dict[str, Any] | None = None
    _unwritten: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def session(self) -> AbstractContextManager[Session]:
        """One transaction: committed at the end of the block."""
        return db.engine.session()

    @property
    def redis(self) -> Redis:
        return job_queue.redis()

    def progress(self, fraction: float, message: str, **details: Any) -> None:
        """Say how far the work is, 0 to 1, in a few words; `details` are what JSON can hold (see `plain`)."""
        news = plain({"fraction": min(max(float(fraction), 0.0), 1.0), "message": message, **details})
        with self._lock:
            self.latest = news
            self._unwritten = True

    def take_progress(self) -> dict[str, Any] | None:
        """The newest progress, once; None where it was taken already."""
        with self._lock:
            taken = self.latest if self._unwritten else None
            self._unwritten = False
            return taken

    @property
    def stopping(self) -> bool:
        """True once the worker was asked to end: write a checkpoint and return to `check_cancelled`."""
        return self.signals.stopping.is_set()

    def check_cancelled(self) -> None:
        """Raise Cancelled when a person asked, LostClaim when taken over, Interrupted when the worker stops.

        Reads three flags: cheap enough for every batch.
        """
        if self.signals.lost.is_set():
            raise LostClaim(f"The job {self.job_id} was taken over by another worker; this attempt ends.")
        if self.signals.cancelled.is_set():
            raise Cancelled("The job was cancelled.")
        if self.signals.stopping.is_set():
            raise Interrupted

    @contextmanager
    def publish(self, result: dict[str, Any]) -> Iterator[Session]:
        """A transaction that counts only while this attempt owns the job; raises LostClaim otherwise.

        The job is marked succeeded with `result`, and what the block writes is committed with that or not at all.
        """
        self.published = True  # before the commit: the heartbeat must not mistake our own publication for a loss
        committed = False
        try:
            with self.session() as session:
                news = self.take_progress()
                done = job_claims.succeed(session, self.job_id, self.attempt, result=plain(result), progress=news)
                if not done:
                    raise LostClaim(f"The job {self.job_id} was taken over; attempt {self.attempt} publishes nothing.")
                yield session
            committed = True
        finally:
            self.published = committed

    def gateway(self, exchange: str, **limits: Any) -> "ExchangeGateway":
        """The exchange with throttle, retry and breaker; raises NotFound for a demo exchange that does not run.

        `limits` may be `timeout_s` and `attempts`, for a question that must be answered soon or not at all.
        """
        from market import guarded_gateway  # ccxt stays out of training processes

        return guarded_gateway.make(exchange, self.settings, self.redis, demo_url=self._demo_url(exchange), **limits)

    def _demo_url(self, exchange: str) -> str | None:
        if exchange != DEMO:
            return None
        with self.session() as session:
            instance = session.get(Instance, 1)
        if instance is None or not instance.demo_url:
            raise NotFound("The demo exchange does not run. Start Bolt with `make demo`.")
        return instance.demo_url


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """What PostgreSQL's JSON can hold: NumPy numbers become floats, NaN and infinity null. Else raises TypeError."""
    made: dict[str, Any] = json.loads(json.dumps(values, default=float), parse_constant=lambda _name: None)
    return made


def connect(settings: Settings) -> None:
    """Connect this process to PostgreSQL and Redis; a forked child calls it again and shares nothing."""
    db.engine.connect(settings.database_url)
    job_queue.connect(settings.redis_url)
