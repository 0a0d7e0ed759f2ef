"""Values at the bar that forms: those of the bar if it closed so, for the chart alone, and never of a bar that lies."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import Refused
from core.timeframe import TIMEFRAMES
from market.indicators.catalog import CATALOG, parse
from market.indicators.compute import compute
from market.indicators.unfinished import able, back, read_bar, unfinished
from tests.candles import START_MS, walk

ROOT = Path(__file__).parents[2]
HOUR = TIMEFRAMES["1h"]
MADE = walk(3_000)
CLOSED, FORMING = MADE[:-1], MADE[-1:]
CAUSAL = [key for key, entry in CATALOG.items() if not entry.repaints]
GOOD = [START_MS + HOUR.ms, 100.0, 103.0, 99.0, 101.0, 5.0]


@pytest.mark.parametrize("key", CAUSAL)
def test_the_value_is_what_it_will_be_if_the_bar_closes_as_it_stands(key: str) -> None:
    chosen = parse(key)
    part = CLOSED[-back([chosen], HOUR.ms) :]
    found, whole = unfinished(part, FORMING, [chosen]), compute(MADE, chosen)
    for name, line in whole.items():
        if chosen.key in found.steps:
            value = line[-2] + found.steps[chosen.key][name]
        else:
            value = found.values[chosen.key][name]
        np.testing.assert_allclose(value, line[-1], rtol=1e-9, atol=1e-8)


def test_running_sums_look_at_one_closed_bar_only() -> None:
    chosen = [parse(key) for key in ("obv", "ad", "pvt")]
    assert back(chosen, HOUR.ms) == 1
    assert set(unfinished(CLOSED[-1:], FORMING, chosen).steps) == {"obv", "ad", "pvt"}
    assert back([*chosen, parse("sma:20"), parse("pivots:classic:week")], HOUR.ms) == 2 * 7 * 24 + 1


def test_without_closed_bars_there_is_hardly_a_value() -> None:
    found = unfinished(CLOSED[:0], FORMING, [parse("obv"), parse("ema:20"), parse("bop")])
    assert found.steps == {}
    assert np.isnan(found.values["ema:20"]["ema"])
    assert not np.isnan(found.values["bop"]["bop"])


def test_what_repaints_and_what_needs_an_unknown_volume_has_no_value() -> None:
    chosen = [parse(key, repainting=True) for key in CATALOG]
    assert [one.indicator.key for one in able(chosen, volume_known=True)] == CAUSAL
    left = {one.indicator.key for one in able(chosen, volume_known=False)}
    assert {"vwap", "svwap", "obv", "mfi", "kvo", "vwma"}.isdisjoint(left)
    assert {"ema", "rsi", "macd", "bb", "ichimoku"} <= left


@pytest.mark.parametrize("key", list(CATALOG))
def test_the_catalogue_says_who_looks_at_the_volume(key: str) -> None:
    chosen, short = parse(key, repainting=True), walk(400)
    uneven = replace(short, volume=short.volume * np.linspace(1, 9, 400))
    pairs = zip(compute(short, chosen).values(), compute(uneven, chosen).values(), strict=True)
    changed = any(not np.array_equal(one, other, equal_nan=True) for one, other in pairs)
    assert changed == chosen.indicator.volume


def test_a_bar_that_follows_the_newest_closed_one_is_read() -> None:
    bar = read_bar(GOOD, START_MS, HOUR)
    assert [column[0] for column in bar.columns()] == GOOD


def changed(place: int, value: Any) -> list[Any]:
    return [value if k == place else one for k, one in enumerate(GOOD)]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (None, "its open time"),
        ("1,2,3,4,5,6", "its open time"),
        (GOOD[:5], "its open time"),
        ([*GOOD, 1.0], "its open time"),
        (changed(1, "100"), "its open time"),
        (changed(5, None), "its open time"),
        (changed(4, True), "its open time"),
        (changed(2, float("nan")), "no number"),
        (changed(3, float("-inf")), "no number"),
        (changed(0, START_MS), "follows the newest closed"),
        (changed(0, START_MS + 2 * HOUR.ms), "follows the newest closed"),
        (changed(0, START_MS + HOUR.ms + 1), "follows the newest closed"),
        (changed(2, 100.5), "contradict"),
        (changed(3, 100.5), "contradict"),
        (changed(3, 0.0), "contradict"),
        (changed(1, -100.0), "contradict"),
        (changed(5, -1.0), "contradict"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(raw: Any, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        read_bar(raw, START_MS, HOUR)


def imports(folder: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def test_nothing_but_the_chart_knows_of_unfinished_values() -> None:
    folders = [path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file() and path.name != "tests"]
    assert {"workers", "ml", "alerts", "dashapp", "db", "callbacks"} <= set(folders)
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path, name in imports(folder)
        if "unfinished" in name or "chart_forming" in name
    }
    assert users == {"callbacks/attach.py", "callbacks/chart_forming.py"}


def test_only_what_draws_asks_for_indicators_that_repaint() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in ("core", "db", "market", "ml", "workers", "alerts", "dashapp", "layouts", "callbacks", "demo")
        for path in (ROOT / folder).rglob("*.py")
        if "repainting=True" in path.read_text()
    }
    assert users == {"callbacks/chart_view.py", "layouts/components/chart_toolbar.py"}
