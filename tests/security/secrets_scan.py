"""detect-secrets over every file of the repository, against the list of what was looked at and is no secret."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from dashapp.config import ROOT

BASELINE = ROOT / "tests" / "security" / "secrets.baseline.json"
# Hashes of packages and of artefacts are long and random, and meant to be read.
LEFT_OUT = r"(^requirements.*\.txt$|^deploy/.*\.txt$|^docs/sbom\.json$|secrets\.baseline\.json$)"


def scan(tools: Path) -> dict[str, list[dict[str, Any]]]:
    """What looks like a secret, by file: kind, line and SHA-1 of each, never the words themselves."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    command = [str(tools / "detect-secrets"), "scan", "--exclude-files", LEFT_OUT, *filter(None, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)["results"]
    return {name: [one for one in hits if not _made_up(name, one["type"])] for name, hits in found.items()}


def _made_up(name: str, kind: str) -> bool:
    """Passwords and addresses in tests are of accounts and servers that live as long as the test."""
    return name.startswith("tests/") and kind in {"Secret Keyword", "Basic Auth Credentials"}


def marks(found: dict[str, list[dict[str, Any]]]) -> set[tuple[str, str]]:
    """(file, hash): lines move, findings stay the same."""
    return {(name, one["hashed_secret"]) for name, hits in found.items() for one in hits}


def check(tools: Path) -> int:
    known = {tuple(mark) for mark in json.loads(BASELINE.read_text(encoding="utf-8"))}
    found = scan(tools)
    new = [
        f"{name}:{one['line_number']} {one['type']}"
        for name, hits in found.items()
        for one in hits
        if (name, one["hashed_secret"]) not in known
    ]
    print("\n".join(sorted(new)) if new else f"{len(marks(found))} findings, all of them looked at")
    return 1 if new else 0


if __name__ == "__main__":  # after a look at each new finding
    made = sorted(marks(scan(Path(sys.argv[1]))))
    BASELINE.write_text(json.dumps(made, indent=0) + "\n", encoding="utf-8")
