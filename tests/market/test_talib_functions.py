"""TA-Lib comes without pandas, and without standing in pandas' way."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LATER = """
import sys
from market.indicators.talib_functions import talib
import numpy as np
assert not [name for name in sys.modules if name.split(".")[0] in ("pandas", "ta")], "pandas was loaded"
assert talib.SMA(np.arange(4.0), 2).tolist()[1:] == [0.5, 1.5, 2.5]
import pandas
assert pandas.Series([1.0, 2.0]).mean() == 1.5
import ta
assert len(ta.trend.SMAIndicator(pandas.Series(np.arange(4.0)), 2).sma_indicator()) == 4
assert sys.modules["talib"] is talib
"""
EARLIER = """
import pandas
from market.indicators.talib_functions import talib
assert isinstance(talib.SMA(pandas.Series([1.0, 2.0, 3.0]), 2), pandas.Series)
"""
CATALOG = """
import sys
import market.indicators.catalog, market.indicators.compute
assert not [name for name in sys.modules if name.split(".")[0] in ("pandas", "ta")]
"""


def run(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pandas_is_not_loaded_and_can_be_loaded_later() -> None:
    run(LATER)


def test_where_pandas_is_there_already_nothing_is_changed() -> None:
    run(EARLIER)


def test_the_catalogue_loads_neither_pandas_nor_ta() -> None:
    run(CATALOG)


def test_nothing_else_imports_talib_by_itself() -> None:
    packages = ("core", "db", "market", "ml", "alerts", "layouts", "callbacks", "dashapp", "workers", "demo")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    offenders = [str(path) for path in files if re.search(r"^\s*(import|from) talib\b", path.read_text(), re.M)]
    assert offenders == []
