"""`make security` never passes for want of a scanner."""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from dashapp.config import ROOT
from tests import tools
from tests.security import scan


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that were run, in place of those that take minutes."""
    done: list[str] = []

    def run(name: str) -> int:
        done.append(name)
        return 0

    steps = {
        "here": scan.Step(partial(run, "here")),
        "scanner": scan.Step(partial(run, "scanner"), ("sqlmap",)),
        "finds": scan.Step(lambda: 3),
    }
    monkeypatch.setattr(scan, "STEPS", steps)
    return done


def test_a_missing_scanner_fails_the_scan_before_it_begins(
    ran: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan.main(["here", "scanner"], folder=tmp_path, required=True) == scan.MISSING
    assert ran == []
    assert "scanner needs sqlmap, which is not installed" in capsys.readouterr().out


def test_without_the_demand_its_step_is_left_out_and_that_is_said(
    ran: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan.main(["here", "scanner"], folder=tmp_path, required=False) == 0
    assert ran == ["here"]
    assert capsys.readouterr().out.endswith("1 passed, 0 failed, 1 left out\n")


def test_a_step_that_finds_something_fails_the_scan(ran: list[str], tmp_path: Path) -> None:
    (tmp_path / "sqlmap").touch()
    assert scan.main([], folder=tmp_path, required=True) == scan.FAILED
    assert ran == ["here", "scanner"]


def test_each_program_of_the_system_is_asked_for() -> None:
    assert set(scan.STEPS["real"].needs) == {"nginx", "systemd-analyze", "chromium"} == set(tools.NEEDED)


def test_make_security_demands_its_tools_unless_told_otherwise() -> None:
    recipe = subprocess.run(["make", "-n", "security"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "BOLT_REQUIRE_TOOLS=${BOLT_REQUIRE_TOOLS-1} " in recipe
