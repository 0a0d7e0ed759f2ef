"""The column a table is sorted by: a name out of a list, and nothing else."""

from collections.abc import Mapping
from typing import TypeVar

from core.errors import Refused

Place = TypeVar("Place")


def chosen(places: Mapping[str, Place], sort: str) -> Place:
    """The column called `sort`; raises Refused for any other word, so that no table pretends to be sorted by it."""
    if sort not in places:
        raise Refused(f"This table is sorted by {', '.join(places)} alone. Reload the page.")
    return places[sort]
