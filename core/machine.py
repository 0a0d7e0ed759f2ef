"""How busy the machine is and how full: load, memory, disk."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
AMBER = 0.85  # from this share on somebody should look


@dataclass(frozen=True, slots=True)
class Machine:
    """`load` is the average of a minute; sizes in bytes, memory None where the system does not tell."""

    cores: int
    load: float
    memory_used: int | None
    memory_total: int | None
    disk_used: int
    disk_total: int

    @property
    def busy(self) -> float:
        """Load as a share of the cores; above 1 work is waiting."""
        return self.load / self.cores

    @property
    def memory(self) -> float | None:
        return None if self.memory_used is None or not self.memory_total else self.memory_used / self.memory_total

    @property
    def disk(self) -> float:
        return self.disk_used / self.disk_total


def read(folder: Path) -> Machine:
    """The machine as it is now; the disk is the one that holds `folder`."""
    disk = shutil.disk_usage(_existing(folder))
    total, used = _memory()
    return Machine(os.cpu_count() or 1, os.getloadavg()[0], used, total, disk.total - disk.free, disk.total)


def _existing(folder: Path) -> Path:
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))


def _memory() -> tuple[int | None, int | None]:
    """(total, used) in bytes; what the kernel could free at once does not count as used."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None
    sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines) if rest}
    if not {"MemTotal", "MemAvailable"} <= sizes.keys():
        return None, None
    return sizes["MemTotal"], sizes["MemTotal"] - sizes["MemAvailable"]


def bytes_of(folder: Path) -> int:
    """The size of all files under a folder; 0 where it is not there."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # taken away meanwhile
            continue
    return total
