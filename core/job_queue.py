"""The Redis side of jobs: push the id of a job onto its queue. The job itself stands in PostgreSQL.

Create the row first (`db.queries.jobs.create`), commit, then `push`. A push that is lost is made good by the
scheduler, which pushes every open job that no queue holds.
"""

import re
import time
from dataclasses import dataclass
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue as RqQueue
from rq.exceptions import DuplicateJobError
from rq.job import Job as RqJob
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

RUNNER = "workers.engine.run"  # the one function RQ ever calls; it reads name and arguments from PostgreSQL
GRACE = 60  # seconds RQ waits beyond a job's own timeout

WORKER_KEY = "rq:worker:"
QUARANTINE = "bolt:quarantine:"
QUARANTINE_SECONDS = 86_400

_redis: Redis | None = None


def connect(url: str) -> Redis:
    """Say which Redis this process uses."""
    global _redis
    _redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=30)
    return _redis


def redis() -> Redis:
    if _redis is None:
        raise RuntimeError("no Redis: call core.job_queue.connect first")
    return _redis


def queue(name: str, connection: Redis | None = None) -> RqQueue:
    """A queue whose messages are JSON: a written Redis is then no way to run code."""
    return RqQueue(name, connection=connection or redis(), serializer=JSONSerializer)


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker as it has told Redis: its queues, what it does, and when it was last heard of."""

    name: str
    queues: tuple[str, ...]
    state: str
    seen_at: datetime | None


def live_workers() -> list[LiveWorker]:
    """Workers whose key has not run out, by name; raises RedisError where Redis does not answer."""
    known, found = redis(), []
    for key in sorted(known.smembers(REDIS_WORKER_KEYS)):
        told = {_text(word): _text(value) for word, value in known.hgetall(key).items()}
        if told and "death" not in told:
            name = _text(key).removeprefix(WORKER_KEY)
            served = tuple(filter(None, told.get("queues", "").split(",")))
            found.append(LiveWorker(name, served, told.get("state", ""), _moment(told.get("last_heartbeat", ""))))
    return found


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def call_id(job_id: str, attempt: int) -> str:
    """The name of one call in Redis: the same job waiting after the same attempt is never there twice."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', job_id)}-{attempt}"


def push(queue_name: str, job_id: str, *, attempt: int = 0, timeout: int = 3_600) -> bool:
    """Hand a committed job to the workers; False where Redis does not answer or the call is already there."""
    try:
        queue(queue_name).enqueue(
            RUNNER,
            job_id,
            job_id=call_id(job_id, attempt),
            job_timeout=timeout + GRACE,
            result_ttl=0,
            failure_ttl=86_400,
            unique=True,
        )
    except (DuplicateJobError, RedisError):
        return False
    return True


def held(queue_name: str) -> set[str]:
    """Calls that wait in a queue or that a living worker has begun; raises RedisError where Redis does not answer."""
    waits, begun = queue(queue_name).key, StartedJobRegistry.key_template.format(queue_name)
    running = redis().zrangebyscore(begun, time.time(), "+inf")
    calls = [_text(raw).partition(":")[0] for raw in running] + [_text(raw) for raw in redis().lrange(waits, 0, -1)]
    return set(calls)


def forget(queue_name: str, call: str) -> None:
    """Remove what a lost call left behind, so that it can be pushed again; raises RedisError."""
    named = queue(queue_name)
    with redis().pipeline() as pipeline:
        pipeline.delete(RqJob.key_for(call))
        pipeline.lrem(named.key, 0, call)
        pipeline.lrem(named.intermediate_queue_key, 0, call)
        pipeline.execute()


def put_aside(name: bytes | str, connection: Redis | None = None) -> None:
    """Move a value that cannot be read out of the way; it is kept for a day, for whoever wonders."""
    connection, key = connection or redis(), _text(name)
    if connection.exists(key):
        connection.rename(key, QUARANTINE + key)
        connection.expire(QUARANTINE + key, QUARANTINE_SECONDS)


def mend_keys(queue_name: str, connection: Redis | None = None) -> list[str]:
    """Put aside what stands under RQ's names with another type than RQ writes; returns those names."""
    connection = connection or redis()
    named = queue(queue_name, connection)
    wanted = {
        named.key: b"list",
        named.intermediate_queue_key: b"list",
        StartedJobRegistry.key_template.format(queue_name): b"zset",
        FailedJobRegistry.key_template.format(queue_name): b"zset",
        RqQueue.redis_queues_keys: b"set",
        REDIS_WORKER_KEYS: b"set",
        WORKERS_BY_QUEUE_KEY % queue_name: b"set",
    }
    wrong = [_text(key) for key, kind in wanted.items() if connection.type(key) not in (b"none", kind)]
    for key in wrong:
        put_aside(key, connection)
    return wrong


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
