"""Whose turn it is to sign in: few at once, few wait, and who comes beyond that comes again.

A sign-in takes a core for its hash and a connection for its counts, and all from one address count on one row. Without
turns a storm of them held every connection of the pool, waiting for that row, and those who are in waited as well.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import BoundedSemaphore
from typing import ParamSpec, TypeVar

from core.errors import Unavailable

PLACES = max(1, min(4, (os.cpu_count() or 1) - 1))  # at once; a core is left for everybody else
WAITING = 16  # who comes when so many wait is asked to come again: each holds a thread of the web server
WAIT = 10  # seconds to wait for a place

Given = ParamSpec("Given")
Made = TypeVar("Made")

_places = BoundedSemaphore(PLACES)
_admitted = BoundedSemaphore(PLACES + WAITING)
_mine = threading.local()


@contextmanager
def turn() -> Iterator[None]:
    """Hold a place; a turn within a turn is the same one. Raises Unavailable, at once where too many wait already."""
    if getattr(_mine, "held", False):
        yield
        return
    with _holding(_admitted, 0), _holding(_places, WAIT):
        _mine.held = True
        try:
            yield
        finally:
            _mine.held = False


def in_turn(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """The same work, in a turn from its first count to its last."""

    @wraps(work)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        with turn():
            return work(*args, **kwargs)

    return wrapped


@contextmanager
def _holding(places: BoundedSemaphore, seconds: float) -> Iterator[None]:
    if not places.acquire(timeout=seconds):
        raise Unavailable("Too many people are signing in at this moment. Try again in a few seconds.")
    try:
        yield
    finally:
        places.release()
