"""TA-Lib's functions on NumPy arrays, without pandas. All of Bolt takes them from here.

TA-Lib also accepts pandas' series and loads pandas for it whenever it is installed: 1.2 s and 30 MB for each web
process, which never sees a series. It does without where pandas cannot be imported, and so it is told while it loads.
A later `import pandas` works as ever; TA-Lib then still takes arrays only.
"""

import importlib
import sys
from typing import Any


def load() -> Any:
    """The module `talib`, loaded without loading pandas."""
    if "talib" in sys.modules or "pandas" in sys.modules:
        return importlib.import_module("talib")
    sys.modules["pandas"] = None  # type: ignore[assignment]  # what Python documents for "cannot be imported"
    try:
        return importlib.import_module("talib")
    finally:
        del sys.modules["pandas"]


talib = load()
