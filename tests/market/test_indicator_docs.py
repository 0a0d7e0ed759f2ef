"""The page on indicators says what the catalogue says."""

from pathlib import Path

import pytest

from market.indicators.catalog import CATALOG, EVERYTHING, Indicator, parse
from market.indicators.compute import warmup

PAGE = Path(__file__).parents[2] / "docs" / "indicators.md"


def line_of(indicator: Indicator) -> str:
    """The line of the table: key, title, parameters with limits, outputs, first value, warm-up at the defaults."""
    chosen = parse(indicator.key)
    params = ", ".join(f"{p.name} {p.default:g} ({p.low:g} to {p.high:g})" for p in indicator.params) or "none"
    outputs = ", ".join(output.title for output in indicator.outputs)
    settled = "all history" if warmup(chosen) == EVERYTHING else str(warmup(chosen))
    first = indicator.first(*chosen.values)
    return f"| `{chosen.key}` | {indicator.title} | {params} | {outputs} | {first} | {settled} |"


@pytest.mark.parametrize("key", list(CATALOG))
def test_the_page_has_the_line_of_every_indicator(key: str) -> None:
    assert line_of(CATALOG[key]) in PAGE.read_text().splitlines()
    assert CATALOG[key].about in PAGE.read_text()


def test_the_page_lists_nothing_else() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(lines) == len(CATALOG)
