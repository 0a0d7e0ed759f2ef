"""Which code a version came from."""

import hashlib
from pathlib import Path


def code_version() -> str:
    """Hash of this package's sources: what a rebuild has to have in common."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
