"""Programs of the system that some tests need: Nginx, systemd-analyze, Chromium.

Where one is not installed those tests are left out, unless BOLT_REQUIRE_TOOLS insists, as `make security` does: then
they run and fail.
"""

import os
import shutil

REQUIRED = os.environ.get("BOLT_REQUIRE_TOOLS", "") not in {"", "0"}


def find(name: str) -> str | None:
    """Where a program is; what Debian keeps for administrators is found without their PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


NGINX = find("nginx")
SYSTEMD = find("systemd-analyze")
CHROMIUM = os.environ.get("CHROMIUM") or find("chromium") or find("chromium-browser")
NEEDED = {"nginx": NGINX, "systemd-analyze": SYSTEMD, "chromium": CHROMIUM}


def left_out(program: str | None) -> bool:
    """Whether tests that need this program are left out."""
    return program is None and not REQUIRED
