"""`make security`: every scanner, against the source and against a desk of its own on loopback.

    python -m tests.security.scan                   all of them
    python -m tests.security.scan bandit semgrep    some

Each step must find nothing that was not looked at. What is set aside, and why, stands beside the step and in
SECURITY.md. pip-audit is not among them: it asks a service on the network, and this runs without one.
"""

import sys
import time
from collections.abc import Callable

from dashapp.config import ROOT
from tests.security import sbom, secrets_scan, source
from tests.security.fuzz import fuzz, meet_the_limits
from tests.security.inject import inject

TOOLS = ROOT / ".venv-security" / "bin"

STEPS: dict[str, Callable[[], int]] = {
    "bandit": lambda: source.bandit(TOOLS),
    "ruff": source.ruff,
    "semgrep": lambda: source.semgrep(TOOLS),
    "secrets": lambda: secrets_scan.check(TOOLS),
    "sbom": lambda: sbom.check(TOOLS),
    "timing": source.timing,
    "limits": lambda: meet_the_limits(TOOLS),
    "inject": lambda: inject(TOOLS),
    "fuzz": lambda: fuzz(TOOLS),
}


def main(wanted: list[str]) -> int:
    if unknown := [name for name in wanted if name not in STEPS]:
        raise SystemExit(f"There is no step {', '.join(unknown)}. There are {', '.join(STEPS)}.")
    failed = 0
    for name in wanted or STEPS:
        began = time.monotonic()
        print(f"== {name}", flush=True)
        code = STEPS[name]()
        verdict = "nothing new" if code == 0 else f"FAILED ({code})"
        print(f"== {name}: {verdict}, {time.monotonic() - began:.0f} s", flush=True)
        failed += code != 0
    print(f"{len(wanted or STEPS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
