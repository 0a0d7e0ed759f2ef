"""S38: the processes of a machine without containers are nobody special, and can write and do next to nothing."""

import subprocess
from pathlib import Path

import pytest
import yaml

from core.jobs import Queue
from dashapp.config import ROOT
from tests.tools import SYSTEMD, left_out

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
LIMIT = 30  # tenths: 3.0 of 10
DEMANDED = {
    "User": {"bolt"},
    "Group": {"bolt"},
    "NoNewPrivileges": {"yes"},
    "CapabilityBoundingSet": {""},
    "AmbientCapabilities": {""},
    "ProtectSystem": {"strict"},
    "ProtectHome": {"yes"},
    "PrivateTmp": {"yes"},
    "PrivateDevices": {"yes"},
    "ProtectKernelTunables": {"yes"},
    "ProtectKernelModules": {"yes"},
    "ProtectControlGroups": {"yes"},
    "ReadWritePaths": {"/var/lib/bolt"},
    "StateDirectoryMode": {"0700"},
    "RestrictNamespaces": {"yes"},
    "RestrictSUIDSGID": {"yes"},
    "RestrictAddressFamilies": {"AF_INET AF_INET6 AF_UNIX"},
    "SystemCallFilter": {"@system-service", "~@privileged @resources @mount @debug @obsolete"},
    "UMask": {"0077"},
}


def read(unit: Path) -> dict[str, list[str]]:
    """Every value of every setting of a unit, in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith(("#", ";", "[")):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def faults(unit: Path) -> list[str]:
    """What of DEMANDED a unit does not have."""
    told = read(unit)
    return [name for name, wanted in DEMANDED.items() if set(told.get(name, [])) != wanted]


def exposure(unit: Path) -> "subprocess.CompletedProcess[str]":
    assert SYSTEMD is not None, "systemd-analyze is not installed"
    command = [SYSTEMD, "security", "--offline=true", f"--threshold={LIMIT}", "--no-pager", str(unit)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_s38_a_unit_runs_as_nobody_special_and_writes_only_its_folder(unit: Path) -> None:
    assert faults(unit) == []
    told = read(unit)
    assert told["WorkingDirectory"] == ["/opt/bolt"]
    assert not [word for word in " ".join(told["ExecStart"]).split() if "password" in word.lower() or "secret" in word]
    assert not [line for line in told["Environment"] if "SECRET" in line or "PASSWORD" in line or "_URL" in line]


@pytest.mark.skipif(left_out(SYSTEMD), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_s38_systemd_finds_a_unit_exposed_to_3_of_10_at_most(unit: Path) -> None:
    said = exposure(unit)
    assert said.returncode == 0, said.stdout


def test_s38_a_unit_that_may_more_is_found_out(tmp_path: Path) -> None:
    open_unit = tmp_path / "open.service"
    text = (FOLDER / "bolt-web.service").read_text(encoding="utf-8")
    text = text.replace("User=bolt", "User=root").replace("ProtectSystem=strict", "ProtectSystem=no")
    for line in ("NoNewPrivileges=yes", "CapabilityBoundingSet=", "PrivateDevices=yes", "RestrictNamespaces=yes"):
        text = text.replace(f"{line}\n", "")
    open_unit.write_text(text.replace("SystemCallFilter=", "#"), encoding="utf-8")
    assert {"User", "ProtectSystem", "NoNewPrivileges", "SystemCallFilter"} <= set(faults(open_unit))
    if SYSTEMD:
        assert exposure(open_unit).returncode != 0


def test_s38_every_process_of_the_containers_has_its_unit() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    commands = [one["command"] for name, one in services.items() if "command" in one and name != "redis"]
    asked = {" ".join(command[2:]) for command in commands}
    starts = {unit.name: read(unit)["ExecStart"][0] for unit in UNITS}
    target = read(FOLDER / "bolt.target")["Wants"]
    wanted = {name for line in target for name in line.split()}
    assert all(name.replace(name.partition("@")[2].partition(".")[0], "") in starts for name in wanted if "@" in name)
    assert {"bolt-web.service", "bolt-stream.service", "bolt-scheduler.service"} <= wanted
    assert "dashapp migrate" in starts["bolt-migrate.service"]
    for command in asked:
        if "--queues" in command:
            assert all(f"bolt-worker@{queue}.service" in wanted for queue in command.rpartition(" ")[2].split(","))
        elif "--exchange" in command:
            assert f"bolt-live@{command.rpartition(' ')[2]}.service" in wanted
        else:
            assert any(start.endswith(command) for start in starts.values()), command
    queues = {name.partition("@")[2].removesuffix(".service") for name in wanted if name.startswith("bolt-worker@")}
    assert queues == set(Queue) - {Queue.NOW}


def test_s38_secrets_are_told_to_those_that_need_them() -> None:
    """SECRET_KEY and the like stand in web.env, which no worker reads; what a worker needs is in a file of its own."""
    for unit in UNITS:
        files = read(unit)["EnvironmentFile"]
        assert files[0] == "/etc/bolt/bolt.env"
        signs = unit.name in {"bolt-web.service", "bolt-stream.service"}
        assert ("/etc/bolt/web.env" in files) == signs, unit.name
    assert "-/etc/bolt/worker-%i.env" in read(FOLDER / "bolt-worker@.service")["EnvironmentFile"]
