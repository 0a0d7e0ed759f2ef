"""The bill of materials (CycloneDX 1.6) of what Bolt runs with: `python -m tests.security.sbom` writes it anew."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from dashapp.config import ROOT

TARGET = ROOT / "docs" / "sbom.json"
LOCKS = ("requirements.txt", "deploy/uv.txt")
PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;]+)[^\\]*\\?$")
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding="utf-8").read())
sys.exit(f"docs/sbom.json: {found}" if found else 0)
"""
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components() -> list[dict[str, Any]]:
    """Every locked package with the hashes of the files that may be installed."""
    found: dict[str, dict[str, Any]] = {}
    current: dict[str, Any] = {}
    for name in LOCKS:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if digest := HASH.search(line):
                current["hashes"].append({"alg": "SHA-256", "content": digest[1]})
            elif pin := PIN.match(line.strip()):
                purl = f"pkg:pypi/{pin[1].lower().replace('_', '-')}@{pin[2]}"
                current = {
                    "type": "library",
                    "bom-ref": purl,
                    "name": pin[1],
                    "version": pin[2],
                    "purl": purl,
                    "hashes": [],
                }
                found.setdefault(purl, current)
    return [found[key] for key in sorted(found)]


def document() -> dict[str, Any]:
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "bolt", "licenses": [{"license": {"id": "MIT"}}]}},
        "components": components(),
    }


def text() -> str:
    return json.dumps(document(), indent=1) + "\n"


def check(tools: Path) -> int:
    """0 where the committed one is that of today's locks, and valid."""
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text():
        print("docs/sbom.json is not that of the lock files. Write it anew: python -m tests.security.sbom")
        return 1
    done = subprocess.run([str(tools / "python"), "-c", VALIDATE, str(TARGET)], check=False)
    return done.returncode


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
