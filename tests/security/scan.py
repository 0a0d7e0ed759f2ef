"""`make security`: every scanner, against the source and against a desk of its own on loopback.

    python -m tests.security.scan                   all of them
    python -m tests.security.scan bandit semgrep    some

Each step must find nothing that was not looked at. What is set aside, and why, stands beside the step and in
SECURITY.md. A step whose program is missing is left out and said so; with BOLT_REQUIRE_TOOLS, which `make security`
sets, nothing begins then. pip-audit is not among them: it asks a service on the network, and this runs without one.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dashapp.config import ROOT
from tests import tools
from tests.security import sbom, secrets_scan, source
from tests.security.fuzz import fuzz, meet_the_limits
from tests.security.inject import inject
from tests.security.timing import timing

TOOLS = ROOT / ".venv-security" / "bin"
REAL = ("tests/security", "tests/browser/test_canaries.py")  # tests that ask a real Nginx, systemd and Chromium
MISSING, FAILED = 78, 1


@dataclass(frozen=True, slots=True)
class Step:
    """What is run, and the scanners of `.venv-security` or programs of the system that it cannot do without."""

    run: Callable[[], int]
    needs: tuple[str, ...] = ()


def real() -> int:
    """The tests that need programs of the system, none of them left out."""
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *REAL], cwd=ROOT, check=False).returncode


STEPS: dict[str, Step] = {
    "bandit": Step(lambda: source.bandit(TOOLS), ("bandit",)),
    "ruff": Step(source.ruff),
    "semgrep": Step(lambda: source.semgrep(TOOLS), ("semgrep",)),
    "secrets": Step(lambda: secrets_scan.check(TOOLS), ("detect-secrets",)),
    "sbom": Step(lambda: sbom.check(TOOLS), ("python",)),
    "real": Step(real, tuple(tools.NEEDED)),
    "timing": Step(timing),
    "limits": Step(lambda: meet_the_limits(TOOLS), ("schemathesis",)),
    "inject": Step(lambda: inject(TOOLS), ("sqlmap",)),
    "fuzz": Step(lambda: fuzz(TOOLS), ("schemathesis",)),
}


def missing(step: Step, folder: Path = TOOLS) -> list[str]:
    """What the step needs and is not installed."""
    programs = tools.NEEDED
    return [name for name in step.needs if not (programs[name] if name in programs else (folder / name).is_file())]


def main(wanted: list[str], *, folder: Path = TOOLS, required: bool = tools.REQUIRED) -> int:
    if unknown := [name for name in wanted if name not in STEPS]:
        raise SystemExit(f"There is no step {', '.join(unknown)}. There are {', '.join(STEPS)}.")
    chosen = {name: STEPS[name] for name in wanted or STEPS}
    lacks = {name: lost for name, step in chosen.items() if (lost := missing(step, folder))}
    for name, lost in lacks.items():
        print(f"{name} needs {', '.join(lost)}, which is not installed", flush=True)
    if lacks and required:
        print("Nothing was scanned. Install what is missing, or set BOLT_REQUIRE_TOOLS=0 to leave those steps out.")
        return MISSING
    verdicts = [_run(name, step) for name, step in chosen.items() if name not in lacks]
    print(f"{verdicts.count(0)} passed, {len(verdicts) - verdicts.count(0)} failed, {len(lacks)} left out")
    return FAILED if any(verdicts) else 0


def _run(name: str, step: Step) -> int:
    began = time.monotonic()
    print(f"== {name}", flush=True)
    code = step.run()
    verdict = "nothing new" if code == 0 else f"FAILED ({code})"
    print(f"== {name}: {verdict}, {time.monotonic() - began:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
