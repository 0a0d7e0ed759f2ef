"""Waiting for an answer no longer than one wants to, where the call itself knows no deadline."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from core.errors import ExchangeUnavailable

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns, or the error it raises; ExchangeUnavailable when it takes longer.

    Looking up a host's name may hang far beyond a client's timeout. The call is then left behind in its thread.
    """
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # not lost in the thread: the caller gets it
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError:
        raise ExchangeUnavailable(f"No answer within {seconds:.0f} seconds. Bolt asks again by itself.") from None
