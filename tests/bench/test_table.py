"""The benchmark table tells plainly what was met."""

import pytest

from tests.bench.table import Row, render


def row(peer: float, bolt: float, goal: float, direction: str) -> Row:
    return Row("P1", "thirteen indicators", "ta", peer, bolt, "ms", goal, direction)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("peer", "bolt", "goal", "direction", "ratio", "met"),
    [
        (100, 2, 50, "faster", 50, True),
        (100, 4, 50, "faster", 25, False),
        (40_000, 400_000, 5, "more", 10, True),
        (88, 160, 1.6, "at most", 160 / 88, False),
        (88, 120, 1.6, "at most", 120 / 88, True),
    ],
)
def test_a_ratio_is_held_against_its_goal(
    peer: float, bolt: float, goal: float, direction: str, ratio: float, met: bool
) -> None:
    made = row(peer, bolt, goal, direction)
    assert made.ratio == pytest.approx(ratio)
    assert made.met is met


def test_the_table_names_what_was_missed() -> None:
    said = render([row(100, 2, 50, "faster"), row(100, 4, 50, "faster")]).splitlines()
    assert said[0].startswith("| #  | what")
    assert len({len(line) for line in said[:-1]}) == 1
    assert "| ta 100 ms | 4 ms | 25×   | ≥ 50× | NO  |" in said[3]
    assert said[-1] == "1 of 2 goals met. Missed: P1."
