"""How busy and how full this machine is."""

from pathlib import Path

import pytest

from core import machine
from core.machine import Machine


def test_this_machine_has_cores_memory_and_a_disk(tmp_path: Path) -> None:
    here = machine.read(tmp_path)
    assert here.cores >= 1
    assert 0 < here.disk < 1
    assert here.busy >= 0
    assert here.memory_total is None or 0 < (here.memory or 0) < 1


def test_a_folder_that_is_not_there_yet_lies_on_its_parents_disk(tmp_path: Path) -> None:
    assert machine.read(tmp_path / "not" / "yet").disk_total == machine.read(tmp_path).disk_total


@pytest.mark.parametrize("text", [None, "", "MemTotal: 100 kB\n"])
def test_a_system_that_does_not_tell_its_memory_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    book = tmp_path / "meminfo"
    if text is not None:
        book.write_text(text)
    monkeypatch.setattr(machine, "MEMINFO", book)
    assert machine.read(tmp_path).memory is None


def test_what_the_kernel_could_free_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = tmp_path / "meminfo"
    book.write_text("MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable: 750 kB\n")
    monkeypatch.setattr(machine, "MEMINFO", book)
    here = machine.read(tmp_path)
    assert (here.memory_used, here.memory_total, here.memory) == (250 * 1024, 1000 * 1024, 0.25)


def test_shares_are_of_the_whole() -> None:
    here = Machine(4, 6.0, None, None, 85, 100)
    assert (here.busy, here.memory, here.disk) == (1.5, None, 0.85)


def test_files_of_a_folder_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 10)
    (tmp_path / "two").write_bytes(b"x" * 5)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert machine.bytes_of(tmp_path) == 15
    assert machine.bytes_of(tmp_path / "none") == 0
