"""`make bench`: every `l*.py`, `p*.py` and `u*.py` beside this file, Bolt and its peer in one run, in one table.

`python -m tests.bench p06 p07` runs some of them. A module has `run() -> list[Row]`. Each runs in a process of its
own, so that what one imports does not weigh on the next.
"""

import importlib
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.table import Row, render

FOLDER = Path(__file__).parent


def modules(wanted: list[str]) -> list[str]:
    """Names of the benchmark modules, all or those that were named."""
    found = sorted(path.stem for path in FOLDER.glob("[lpu][0-9]*.py"))
    if unknown := [word for word in wanted if not any(name.startswith(word) for name in found)]:
        raise SystemExit(f"There is no benchmark {', '.join(unknown)}. There are {', '.join(found)}.")
    return [name for name in found if name.startswith(tuple(wanted))] if wanted else found


def measure(name: str) -> list[Row]:
    """The rows of one module, measured in a process of its own; what it prints goes to stderr."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "rows"
        command = [sys.executable, "-m", "tests.bench", "--measure", name, str(target)]
        done = subprocess.run(command, stdout=sys.stderr, check=False, env=dict(os.environ))
        if done.returncode:
            print(f"{name} failed with code {done.returncode}.", file=sys.stderr)
            return []
        rows: list[Row] = pickle.loads(target.read_bytes())  # noqa: S301  (our own file of a moment ago)
        return rows


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--measure"]:
        module = importlib.import_module(f"tests.bench.{arguments[1]}")
        Path(arguments[2]).write_bytes(pickle.dumps(module.run()))
        return 0
    rows, failed = [], []
    for name in modules(arguments):
        print(f"{name} ...", file=sys.stderr, flush=True)
        measured = measure(name)
        rows += measured
        failed += [] if measured else [name]
    print(render(rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
