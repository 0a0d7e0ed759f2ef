"""Locks, images and the Makefile keep what they promise."""

import os
import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from dashapp.version import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt", "deploy/requirements-web.txt", "deploy/uv.txt")
TARGETS = ("run", "demo", "test", "lint", "bench", "security", "leak-drill", "live-drill", "backup", "clean")
OURS = ("core", "db", "market", "ml", "alerts", "layouts", "callbacks", "dashapp", "workers", "demo")
PIN = re.compile(r"([a-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==([^ ]+) \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def pins(name: str) -> dict[str, str]:
    return dict(match.groups() for line in lines(name) if (match := PIN.fullmatch(line)))  # type: ignore[misc]


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", [*LOCKS, "requirements-security.txt"])  # whose tools live apart from Bolt's packages
def test_a_lock_holds_nothing_but_versions_and_hashes(name: str) -> None:
    assert [line for line in lines(name) if not PIN.fullmatch(line) and not HASH.fullmatch(line)] == []
    assert pins(name)


def test_all_locks_agree_on_every_version() -> None:
    whole = pins("requirements.txt")
    for name in LOCKS[1:]:
        differing = {p: v for p, v in pins(name).items() if whole.get(p, v) != v}
        assert differing == {}, f"{name}: run deploy/lock.sh"


def wanted(name: str) -> set[str]:
    """Packages named in an .in file and those it includes."""
    found: set[str] = set()
    for line in lines(name):
        if line.startswith("-r "):
            found |= wanted(line.removeprefix("-r ").strip())
        elif line.strip():
            found.add(re.split(r"[=<>\[ ]", line)[0])
    return found


@pytest.mark.parametrize(
    ("source", "lock"),
    [
        ("requirements.in", "requirements.txt"),
        ("requirements-dev.in", "requirements-dev.txt"),
        ("deploy/requirements-web.in", "deploy/requirements-web.txt"),
        ("requirements-security.in", "requirements-security.txt"),
    ],
)
def test_whatever_is_asked_for_is_locked(source: str, lock: str) -> None:
    assert wanted(source) - set(pins(lock)) == set(), "run deploy/lock.sh"


def test_the_web_image_carries_neither_tensorflow_nor_ccxt() -> None:
    assert {"tensorflow", "keras", "ccxt"} & set(pins("deploy/requirements-web.txt")) == set()


def test_every_package_that_code_imports_is_asked_for_by_name() -> None:
    """A package that came along with another may leave with it."""
    asked, homes = {_plain(name) for name in wanted("requirements.in")}, packages_distributions()
    imports = re.compile(r"^\s*(?:from|import) ([A-Za-z_0-9]+)", re.MULTILINE)
    missing = {
        f"{module} in {path.relative_to(ROOT)}"
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
        for module in imports.findall(path.read_text(encoding="utf-8"))
        if module in homes and not asked & {_plain(home) for home in homes[module]}
    }
    assert missing == set(), "add it to requirements.in or deploy/requirements-web.in, then run deploy/lock.sh"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_make_alone_lists_every_target() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [word for word in TARGETS if f"  make {word}" not in said] == []


def test_clean_never_touches_the_data_folder(tmp_path: Path) -> None:
    said = subprocess.run(["make", "-n", "clean"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    removed = [word for line in said.splitlines() if line.startswith("rm ") for word in line.split()[2:]]
    assert removed
    assert not [word for word in removed if word.startswith(("var", "./var", "/", "$"))]
    assert "-not -path './var/*'" in said


def test_a_missing_python_is_a_sentence() -> None:
    done = subprocess.run(
        ["make", "installed", "PYTHON=python3.11-that-is-missing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert "Bolt needs Python 3.11" in done.stderr


def test_the_installer_refuses_another_python(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    env = dict(os.environ) | {"PYTHON": str(fake)}
    done = subprocess.run(["deploy/install.sh", "run"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Bolt needs Python 3.11" in done.stderr


def test_compose_starts_nothing_before_what_it_needs_is_healthy() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    for name in ("web", "worker-market", "worker-train", "scheduler"):
        needs = services[name]["depends_on"]
        assert needs["postgres"]["condition"] == needs["redis"]["condition"] == "service_healthy", name
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    assert [port for port in services["web"]["ports"] if not port.startswith("127.0.0.1:")] == []
    assert "ports" not in services["postgres"]
    assert "ports" not in services["redis"]


def test_images_run_as_nobody_special_from_pinned_bases() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = text.split("\nFROM ")
    for name in ("AS web\n", "AS worker\n"):
        stage = next(stage for stage in stages if name in stage)
        assert "USER 10001:10001" in stage
        assert "HEALTHCHECK" in stage
    assert re.search(r"FROM python:3\.11\.\d+-slim", text)


def test_pre_commit_hooks_fetch_nothing() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repo["repo"] for repo in hooks["repos"]} == {"local"}
    assert {hook["language"] for repo in hooks["repos"] for hook in repo["hooks"]} == {"system"}


def test_the_project_is_for_the_python_that_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.12"


@pytest.mark.parametrize(("target", "checked"), [("run", True), ("demo", True), ("backup", False), ("test", False)])
def test_only_a_start_asks_whether_it_may_start(target: str, checked: bool) -> None:
    """A backup is taken while Bolt runs."""
    planned = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ("dashapp.supervisor.preflight" in planned) is checked
