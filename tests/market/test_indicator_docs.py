"""The page on indicators says what the catalogue says, and how far each is off every reference."""

import re
from pathlib import Path

import pytest

from market.indicators.catalog import CATALOG
from tests.market.indicator_page import PAGE, about, deviations, line_of, page
from tests.market.reference_sheets import SHEETS


@pytest.mark.parametrize("key", list(CATALOG))
def test_the_page_has_the_line_of_every_indicator(key: str) -> None:
    lines = PAGE.read_text().splitlines()
    assert line_of(CATALOG[key]) in lines
    assert about(CATALOG[key]) in lines


def test_the_page_is_what_the_command_writes() -> None:
    table = re.search(r"(?<=\n\|---\|---\|---\|---\|---\|\n)(.*\|\n)+", PAGE.read_text())
    assert table is not None, "no table of deviations"
    assert PAGE.read_text() == page(table.group().rstrip("\n"))


def test_every_sheet_stands_in_the_table_of_deviations() -> None:
    text = PAGE.read_text()
    missing = [sheet.name for sheet in SHEETS if f"| `{sheet.key}` | {sheet.source}" not in text]
    assert missing == []


@pytest.mark.shared
def test_the_deviations_are_those_measured(shared: Path) -> None:
    text = PAGE.read_text()
    for _, line in deviations(shared / "reference"):
        *kept, off = line.split(" | ")
        (stands,) = {there for there in text.splitlines() if there.startswith(" | ".join(kept) + " | ")}
        told, now = (
            0.0 if cell.strip(" |") == "exact" else float(cell.strip(" |")) for cell in (stands.split(" | ")[-1], off)
        )
        assert now <= max(2 * told, 1e-9), line
