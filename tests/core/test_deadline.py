"""A call is waited for as long as one wants, not as long as it likes."""

import threading
import time

import pytest

from core.deadline import within
from core.errors import ExchangeUnavailable, NotFound


def test_an_answer_in_time_comes_back() -> None:
    assert within(1.0, lambda: 7) == 7


def test_a_call_that_takes_too_long_is_left_behind() -> None:
    free = threading.Event()
    began = time.monotonic()
    with pytest.raises(ExchangeUnavailable, match="No answer within"):
        within(0.1, lambda: free.wait(5))
    assert time.monotonic() - began < 2
    free.set()


def test_an_error_of_ours_is_raised_here() -> None:
    def fail() -> int:
        raise NotFound("It is not there.")

    with pytest.raises(NotFound, match="not there"):
        within(1.0, fail)
