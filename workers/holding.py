"""What a worker's child has claimed, told to its worker through a page of memory that both see.

The call in Redis does not say it, for the child takes the job whose turn it is. A child that is killed says nothing
more; its worker reads here what to give back.
"""

import mmap

SIZE = mmap.PAGESIZE

_page = mmap.mmap(-1, SIZE)  # made before any child is forked


def note(job_id: str, attempt: int) -> None:
    """In the child: from now on it holds this job under this attempt."""
    words = f"{attempt} {job_id}".encode()
    _page[: len(words) + 1] = words + b"\0"


def noted() -> tuple[str, int] | None:
    """In the worker: (job id, attempt) of what its newest child that claimed something took; None before the first."""
    attempt, _, job_id = _page[:].partition(b"\0")[0].decode().partition(" ")
    return (job_id, int(attempt)) if job_id else None
