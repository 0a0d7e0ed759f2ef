"""Refusing work that writes much while the disk is nearly full: PostgreSQL does not start again once it is."""

from pathlib import Path

from core import machine
from core.errors import DiskFull

MOST = 0.95  # share of the disk in use from which nothing big may begin


def demand(folder: Path) -> None:
    """Raises DiskFull where the disk that holds `folder` is used to 95 % or more."""
    used = machine.read(folder).disk
    if used >= MOST:
        raise DiskFull(
            f"The disk is {used:.0%} full, so nothing big is begun. Free some space (old models, logs, backups), "
            "then try again."
        )
