"""Writes docs/indicators.md from the catalogue and the reference sheets.

python -m tests.market.indicator_page FOLDER    with the reference folder, beside which its candles lie in ../data
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from market.indicators.by_calendar import DAY_MS
from market.indicators.catalog import CATALOG, EVERYTHING, Indicator, Param, parse
from market.indicators.compute import warmup
from tests.market.reference_sheets import JESSE, REAL, SHEETS, compare, last_value

PAGE = Path(__file__).parents[2] / "docs" / "indicators.md"
WORDS = PAGE.parent / "indicators.in.md"
ENTRIES, ABOUTS, OFF = "<!-- entries -->", "<!-- abouts -->", "<!-- off -->"
EXACT = 5e-10  # smaller differences are those of adding in another order


def line_of(indicator: Indicator) -> str:
    """The line of the table: key, title, parameters with limits, outputs, first value, warm-up at the defaults."""
    chosen = parse(indicator.key, repainting=True)
    params = ", ".join(map(limits, indicator.params)) or "none"
    outputs = ", ".join(output.title for output in indicator.outputs)
    settled = "all history" if warmup(chosen) == EVERYTHING else str(warmup(chosen))
    first = str(indicator.first(*chosen.values))
    if indicator.back_ms:
        first, settled = "by the calendar", f"{indicator.back_ms(*chosen.values) // DAY_MS} d back"
    return f"| `{chosen.key}` | {indicator.title} | {params} | {outputs} | {first} | {settled} |"


def limits(param: Param) -> str:
    if param.words:
        return f"{param.name} {param.words[0]} ({', '.join(param.words)})"
    return f"{param.name} {param.default:g} ({param.low:g} to {param.high:g})"


def about(indicator: Indicator) -> str:
    where = "on the price" if indicator.pane == "price" else "own pane"
    return f"- **{indicator.title}** ({where}). {indicator.about}"


def deviations(reference: Path) -> Iterator[tuple[str, str]]:
    """(key of the indicator, line of the table) for each sheet: how far Bolt is off, over how many bars."""
    for sheet in SHEETS:
        found = compare(reference, sheet)
        off = max(compared.off for compared in found)
        file = f" ({REAL[sheet.file]})" if sheet.source == "TA-Lib" else ""
        after = f"{len(found[0].ours)} from {sheet.after}" if sheet.after else str(len(found[0].ours))
        told = "exact" if off < EXACT else f"{off:.1e}"
        yield sheet.key.split(":")[0], f"| `{sheet.key}` | {sheet.source}{file} | {after} | {sheet.atol:g} | {told} |"
    for file, key, output, value, decimals in JESSE:
        ours = last_value(reference, file, key, output)
        line = f"| `{key}` {output} | Jesse | newest | {10.0**-decimals / 2:g} | {abs(ours - value):.1e} |"
        yield key.split(":")[0], line


def page(off: str) -> str:
    """The whole page; `off` is the table of deviations, measured or as it stands."""
    entries = "\n".join(line_of(indicator) for indicator in CATALOG.values())
    abouts = "\n".join(about(indicator) for indicator in CATALOG.values())
    return WORDS.read_text().replace(ENTRIES, entries).replace(ABOUTS, abouts).replace(OFF, off)


def measured(reference: Path) -> str:
    """The table of deviations, in the order of the catalogue."""
    order = list(CATALOG)
    lines = sorted(deviations(reference), key=lambda pair: order.index(pair[0]))
    return "\n".join(line for _, line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(measured(Path(sys.argv[1]))))
