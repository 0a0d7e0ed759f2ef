"""The import law of pyproject.toml, and what it cannot say."""

import ast
import subprocess
import sys

from tests.architecture.source import ROOT, sources


def test_nothing_imports_what_stands_above_or_beside_it() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4_000:] + run.stderr[-1_000:]


def test_init_files_are_empty() -> None:
    full = [s.name for s in sources() if s.path.name == "__init__.py" and s.text.strip()]
    assert full == ["db/tables/__init__.py"]


def test_only_roofs_and_the_clock_read_the_time() -> None:
    """`now` is an argument: calculating code never asks for it."""
    law = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split('id = "calculating-modules"')[1]
    listed = set(law.split("source_modules = [")[1].split("]")[0].replace('"', "").replace("\n", "").split(","))
    calculating = {name.strip() for name in listed if name.strip()}
    for source in sources():
        module = source.name.removesuffix(".py").replace("/", ".")
        if module in calculating or module.startswith("layouts."):
            assert "utc_now" not in source.text, f"{source.name} reads the clock"


def test_web_process_loads_no_heavy_package() -> None:
    code = "import sys, dashapp.dash_ui, dashapp.factory, callbacks.attach; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "dash" in loaded
    assert not loaded & {"tensorflow", "keras", "ccxt", "onnxruntime"}


def test_layouts_ask_nobody_who_is_signed_in() -> None:
    for source in sources("layouts"):
        names = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}
        assert not names & {"current_user", "request", "session"}, source.name
