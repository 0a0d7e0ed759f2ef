"""The Redis side of jobs: push the id of a job onto its queue. The job itself stands in PostgreSQL.

Create the row first (`db.queries.jobs.create`), commit, then `push`. A push that is lost is made good by the
scheduler, which pushes every open job that no queue holds.
"""

import re

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue as RqQueue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

RUNNER = "workers.engine.run"  # the one function RQ ever calls; it reads name and arguments from PostgreSQL
GRACE = 60  # seconds RQ waits beyond a job's own timeout

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


def push(queue_name: str, job_id: str, *, attempt: int = 0, timeout: int = 3_600) -> bool:
    """Hand a committed job to the workers; False where Redis does not answer or the call is already there."""
    rq_id = f"{re.sub(r'[^A-Za-z0-9_-]', '-', job_id)}-{attempt}"
    try:
        queue(queue_name).enqueue(
            RUNNER, job_id, job_id=rq_id, job_timeout=timeout + GRACE, result_ttl=0, failure_ttl=86_400, unique=True
        )
    except (DuplicateJobError, RedisError):
        return False
    return True
