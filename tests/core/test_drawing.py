"""Drawings as the browser sends them."""

from typing import Any

import pytest

from core.drawing import KINDS, read
from core.errors import Refused

KEY = "0123456789abcdef"
TREND: dict[str, Any] = {"key": KEY, "kind": "trend", "points": [[1_000, 2.5], [2_000, 3]], "colour": 2}


def test_a_drawing_is_read_and_written_alike() -> None:
    assert read(TREND).plain() == {**TREND, "points": [[1_000, 2.5], [2_000, 3.0]], "text": ""}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_its_own_number_of_anchors(kind: str) -> None:
    points = [[1_000 * k, 5.0] for k in range(KINDS[kind])]
    assert len(read({**TREND, "kind": kind, "points": points, "text": "Here"}).points) == KINDS[kind]
    with pytest.raises(Refused):
        read({**TREND, "kind": kind, "points": [*points, [9_000, 1.0]], "text": "Here"})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "circle"},
        {"key": "short"},
        {"key": 7},
        {"colour": 9},
        {"colour": True},
        {"points": [[1_000, 2.5]]},
        {"points": [[1_000, float("nan")], [2_000, 3]]},
        {"points": [["1000", 2.5], [2_000, 3]]},
        {"points": [[True, 2.5], [2_000, 3]]},
        {"points": [[-5, 2.5], [2_000, 3]]},
        {"points": [[1_000, 1e16], [2_000, 3]]},
        {"points": [[1_000, 2.5, 9], [2_000, 3]]},
        {"text": "x" * 201},
        {"kind": "note", "points": [[1_000, 2.5]], "text": "  "},
    ],
)
def test_what_is_no_drawing_is_refused_with_a_sentence(change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"\w{3,}"):
        read(TREND | change)


def test_nothing_is_no_drawing() -> None:
    with pytest.raises(Refused):
        read(None)
