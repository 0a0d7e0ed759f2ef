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


@pytest.mark.parametrize("error", [NotFound("It is not there."), ZeroDivisionError("by zero")])
def test_what_the_call_raises_is_raised_here(error: Exception) -> None:
    def fail() -> int:
        raise error

    with pytest.raises(type(error), match=str(error)):
        within(1.0, fail)
