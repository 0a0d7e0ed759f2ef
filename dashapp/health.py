"""Whether Bolt works, for machines: JSON without secrets, within two seconds even when PostgreSQL hangs.

live     the process answers; nothing else is asked
ready    PostgreSQL answers and holds the newest schema; without Redis it is `degraded`, for pages still read
startup  as ready, until it was ready once
summary  all of it, always with an answer that names what is missing
"""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, field

from flask import Blueprint, Flask, Response, current_app, jsonify
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

import db.schema
from core import clock_offsets
from core.settings import Settings
from core.shared import SharedNumbers
from db.engine import engine_options, psycopg2_url

PATIENCE = 1.5  # seconds for everything that is asked

blueprint = Blueprint("health", __name__)


@dataclass
class Probe:
    """Asks the servers over connections of its own, so that a drained pool does not look like a dead server."""

    engine: Engine
    redis: Redis | None
    newest: str
    askers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="health"))
    was_ready: bool = False

    def checks(self) -> dict[str, str]:
        """`ok` or a word for what is wrong, of the database, its schema, Redis and the clock of this machine."""
        schema, redis = self.askers.submit(self._schema), self.askers.submit(self._redis)
        clock = self.askers.submit(self._clock)
        found = _wait(schema, "down")
        return {
            "database": "down" if found == "down" else "ok",
            "migrations": {"down": "unknown", self.newest: "ok"}.get(found, "behind"),
            "redis": _wait(redis, "down"),
            "clock": _wait(clock, "unknown"),
        }

    def _schema(self) -> str:
        try:
            return db.schema.current(self.engine) or "none"
        except SQLAlchemyError:
            return "down"

    def _redis(self) -> str:
        if self.redis is None:
            return "off"
        try:
            return "ok" if self.redis.ping() else "down"
        except RedisError:
            return "down"

    def _clock(self) -> str:
        """`wrong` where an exchange that was asked lately has another time; unknown while Redis is away."""
        shared = SharedNumbers(self.redis)
        offsets = clock_offsets.read(shared).values()
        if shared.alone:
            return "unknown"
        return "wrong" if any(map(clock_offsets.is_wrong, offsets)) else "ok"


def _wait(answer: "Future[str]", otherwise: str) -> str:
    try:
        return answer.result(timeout=PATIENCE)
    except TookTooLong:
        return otherwise


def install(app: Flask, settings: Settings) -> None:
    options = engine_options()
    engine = create_engine(
        psycopg2_url(settings.database_url),
        poolclass=NullPool,
        connect_args={**dict(options["connect_args"]), "connect_timeout": 2},  # type: ignore[call-overload]
    )
    redis = None
    if settings.redis_url:
        redis = Redis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1)
    app.extensions["bolt_health"] = Probe(engine, redis, db.schema.newest())
    app.register_blueprint(blueprint)


def status_of(checks: dict[str, str]) -> str:
    """`ok`, `degraded` (pages read, jobs wait) or `down`."""
    if checks["database"] != "ok" or checks["migrations"] != "ok":
        return "down"
    return "ok" if checks["redis"] == "ok" else "degraded"


def _answer() -> tuple[Response, int]:
    probe: Probe = current_app.extensions["bolt_health"]
    checks = probe.checks()
    status = status_of(checks)
    probe.was_ready = probe.was_ready or status != "down"
    return jsonify(status=status, checks=checks), 503 if status == "down" else 200


@blueprint.get("/health")
def summary() -> tuple[Response, int]:
    return _answer()


@blueprint.get("/health/live")
def live() -> Response:
    return jsonify(status="ok")


@blueprint.get("/health/ready")
def ready() -> tuple[Response, int]:
    return _answer()


@blueprint.get("/health/startup")
def startup() -> tuple[Response, int]:
    probe: Probe = current_app.extensions["bolt_health"]
    return (jsonify(status="ok"), 200) if probe.was_ready else _answer()
