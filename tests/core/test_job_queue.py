"""The Redis side of jobs, on a real server."""

import json
import time
import zlib

import pytest
from redis.exceptions import RedisError

from core import job_queue


@pytest.fixture(autouse=True)
def redis(redis_url: str) -> None:
    job_queue.connect(redis_url)


def test_message_is_json_and_holds_only_the_runner_and_the_id() -> None:
    assert job_queue.push("market", "abc", attempt=2, timeout=30)
    raw = job_queue.redis().hgetall("rq:job:abc-2")
    assert json.loads(zlib.decompress(raw[b"data"])) == ["workers.engine.run", None, ["abc"], {}]
    assert int(raw[b"timeout"]) == 30 + job_queue.GRACE


def test_same_call_is_pushed_once_and_the_next_attempt_is_another_call() -> None:
    assert job_queue.push("market", "abc")
    assert not job_queue.push("market", "abc")
    assert job_queue.push("market", "abc", attempt=1)
    assert job_queue.held("market") == {"abc-0", "abc-1"}


def test_id_with_other_signs_becomes_a_name_redis_takes() -> None:
    assert job_queue.call_id("top_up@2026-11-23T12:00:02Z", 0) == "top_up-2026-11-23T12-00-02Z-0"


def test_push_says_so_where_redis_is_down() -> None:
    job_queue.connect("redis://127.0.0.1:1/0")
    assert not job_queue.push("market", "abc")
    with pytest.raises(RedisError):
        job_queue.held("market")


def test_call_a_living_worker_has_begun_counts_as_held_and_an_expired_one_does_not() -> None:
    job_queue.redis().zadd("rq:wip:train", {"abc-0:run": time.time() + 60, "old-0:run": time.time() - 1})
    assert job_queue.held("train") == {"abc-0"}


def test_forgotten_call_can_be_pushed_again() -> None:
    job_queue.push("market", "abc")
    job_queue.forget("market", "abc-0")
    assert job_queue.held("market") == set()
    assert job_queue.push("market", "abc")


def test_value_of_the_wrong_type_is_put_aside_for_a_day_and_right_ones_stay() -> None:
    job_queue.push("market", "abc")
    job_queue.redis().set("rq:wip:market", "garbage")
    assert job_queue.mend_keys("market") == ["rq:wip:market"]
    assert job_queue.held("market") == {"abc-0"}
    assert 86_000 < job_queue.redis().ttl("bolt:quarantine:rq:wip:market") <= 86_400
    assert job_queue.mend_keys("market") == []


def test_putting_aside_what_is_not_there_does_nothing() -> None:
    job_queue.put_aside("rq:job:nothing")
    assert job_queue.redis().keys("bolt:*") == []
