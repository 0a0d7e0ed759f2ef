"""The pieces of the supervisor: checks before the start, the lock, restarts with back-off, logs."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core import settings as environment
from core.errors import ConfigurationError
from core.settings import Settings
from dashapp.embedded.children import free_port, spawn
from dashapp.supervisor import environments, output, preflight, roles, servers, state
from dashapp.supervisor.child import FIRST_PAUSE, LONGEST_PAUSE, Child, kill_session, log_path

FOREVER = "import time; print('up', flush=True); time.sleep(600)"
WITH_HORSE = (
    "import os, time\n"
    "if os.fork() == 0:\n"
    "    os.setpgrp()\n"
    "    time.sleep(600)\n"
    "print('forked', flush=True)\n"
    "time.sleep(600)\n"
)


def settings_of(folder: Path, **changes: str) -> Settings:
    return environment.read({"BOLT_DATA": str(folder), "PORT": str(free_port())} | changes)


def until(holds: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def make_child(folder: Path, code: str, name: str = "child") -> Child:
    def launch(descriptor: int) -> subprocess.Popen[bytes]:
        return spawn([sys.executable, "-c", code], output=descriptor)

    return Child(name, launch, output.Log(log_path(folder, name)))


# Checks before the start


def test_a_free_port_and_an_open_folder_are_no_fault(tmp_path: Path) -> None:
    assert preflight.faults(settings_of(tmp_path / "var")) == []


def test_a_taken_port_is_named_with_another_to_try(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port}: .*PORT={port + 1}"):
            preflight.require(settings_of(tmp_path, PORT=str(port)))


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "NEEDED_BYTES", 2**62)
    assert "Bolt needs 2 GB" in str(preflight.disk_is_full(settings_of(tmp_path)))


def test_a_processor_without_avx_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nflags : fpu sse4_2\n")
    monkeypatch.setattr(preflight, "CPUINFO", cpuinfo)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert "no AVX" in str(preflight.processor_is_too_old(settings_of(tmp_path)))
    cpuinfo.write_text("processor : 0\nflags : fpu avx avx2\n")
    assert preflight.processor_is_too_old(settings_of(tmp_path)) is None


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    assert "cannot be written" in str(preflight.folder_is_closed(settings_of(tmp_path / "var")))


def test_an_address_that_is_not_loopback_ends_with_78_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOST", "192.0.2.1")
    assert preflight.main() == 78
    assert "plain HTTP" in capsys.readouterr().err


def test_the_checks_need_nothing_that_has_to_be_installed() -> None:
    code = (
        "import sys, dashapp.supervisor.preflight; "
        "print([m for m in sys.modules if m.partition('.')[0] in ('psutil','psycopg2','sqlalchemy','redis','dash')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


# One holder per folder


def test_only_one_process_holds_a_folder(tmp_path: Path) -> None:
    with state.hold(tmp_path) as first, state.hold(tmp_path) as second:
        assert (first, second) == (True, False)
        assert state.is_held(tmp_path)
    assert not state.is_held(tmp_path)


def test_the_state_is_believed_only_while_its_writer_lives(tmp_path: Path) -> None:
    said = state.State(os.getpid(), state.UP, "http://127.0.0.1:1", roles={"web": 7})
    with state.hold(tmp_path):
        state.write(tmp_path, said)
        assert state.read(tmp_path) == said
        assert stat.S_IMODE((tmp_path / "run" / "state.json").stat().st_mode) == 0o600
    state.write(tmp_path, said)
    assert state.read(tmp_path) is None


def test_the_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from dashapp.supervisor import state
with state.hold(Path({str(tmp_path)!r})) as ours:
    print(ours, flush=True)
    time.sleep(600)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "True"
    with state.hold(tmp_path) as ours:
        assert not ours
    holder.kill()
    holder.communicate()
    with state.hold(tmp_path) as ours:
        assert ours


def test_a_second_start_names_the_first(tmp_path: Path) -> None:
    with state.hold(tmp_path):
        state.write(tmp_path, state.State(4711, state.UP, "http://127.0.0.1:8050"))
        found = preflight.faults(settings_of(tmp_path))
    assert len(found) == 1
    assert "already runs" in found[0]
    assert "http://127.0.0.1:8050 (process 4711)" in found[0]


# Children


def test_a_killed_child_starts_again_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = make_child(tmp_path, FOREVER)
    child.start()
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: child.tick(time.monotonic()) and child.pid not in (None, first))
    child.ask_to_end()
    child.end(time.monotonic() + 5)
    said = capsys.readouterr().out
    assert "child was ended by SIGKILL; it starts again in 0.5 s" in said
    assert "child was started again." in said


def test_pauses_double_up_to_half_a_minute(tmp_path: Path) -> None:
    child = make_child(tmp_path, "raise SystemExit(3)")
    now, pauses = 1_000_000.0, []
    for _ in range(9):
        child.start()
        assert child.process is not None
        child.process.wait()
        child.started = now
        child.tick(now)
        pauses.append(child.retry_at - now)
    assert pauses[:3] == [FIRST_PAUSE, 1.0, 2.0]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_minute_of_life_forgives_earlier_crashes(tmp_path: Path) -> None:
    child = make_child(tmp_path, "raise SystemExit(3)")
    child.crashes = 5
    child.start()
    assert child.process is not None
    child.process.wait()
    child.tick(child.started + 61)
    assert child.crashes == 1


def test_the_sentence_on_a_crash_holds_the_last_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = make_child(tmp_path, "raise SystemExit('no route to the moon')")
    child.start()
    until(lambda: child.tick(time.monotonic()))
    assert "ended with code 1" in (said := capsys.readouterr().out)
    assert "It said: no route to the moon" in said


def test_a_child_that_cannot_be_started_is_tried_again_later(tmp_path: Path) -> None:
    def fail(_descriptor: int) -> subprocess.Popen[bytes]:
        raise ConfigurationError("not today")

    child = Child("child", fail, output.Log(log_path(tmp_path, "child")))
    child.tick(100.0)
    assert (child.crashes, child.retry_at) == (1, 100.0 + FIRST_PAUSE)


def test_a_child_deaf_to_the_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    child = make_child(tmp_path, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WITH_HORSE)
    child.start()
    assert child.process is not None
    until(lambda: child.listen() or child.log.last == "forked")
    leader = child.process.pid
    horse = psutil.Process(leader).children()[0]
    child.ask_to_end()
    child.end(time.monotonic() + 0.3)
    until(lambda: not horse.is_running() or horse.status() == psutil.STATUS_ZOMBIE)
    assert not psutil.pid_exists(leader)


def test_a_horse_in_a_group_of_its_own_is_found_by_its_session(tmp_path: Path) -> None:
    child = make_child(tmp_path, WITH_HORSE)
    child.start()
    assert child.process is not None
    until(lambda: child.listen() or child.log.last == "forked")
    leader = child.process
    horse = psutil.Process(leader.pid).children()[0]
    leader.kill()
    leader.wait()
    assert horse.is_running()
    kill_session(leader.pid)
    until(lambda: not horse.is_running() or horse.status() == psutil.STATUS_ZOMBIE)


def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys, time
from dashapp.embedded.children import spawn
child = spawn([sys.executable, "-c", {FOREVER!r}])
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(next(line for line in parent.stdout if line.strip().isdigit()))
    parent.kill()
    parent.wait()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


# What children say


def test_errors_reach_the_terminal_and_everything_the_log(tmp_path: Path) -> None:
    log = output.Log(tmp_path / "web.log")
    lines = [{"level": "INFO", "event": "fine"}, {"level": "ERROR", "event": "broke", "error": "a\nKeyError: 'x'"}]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    assert log.feed(text[:30]) + log.feed(text[30:]) == ["broke (KeyError: 'x')"]
    assert log.feed(text) == [], "the same error again is not news"
    assert log.path.read_bytes() == text * 2


def test_a_log_is_cut_at_its_size_and_one_older_part_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "KEEP_BYTES", 100)
    log = output.Log(tmp_path / "web.log")
    for n in range(30):
        log.feed(b"%049d\n" % n)
    assert log.path.stat().st_size <= 150
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", "web.log.1"]


def test_a_log_that_cannot_be_written_does_not_end_the_supervisor(tmp_path: Path) -> None:
    log = output.Log(tmp_path / "missing" / "web.log")
    assert log.feed(b"hello\n") == []


def test_lines_that_are_no_json_are_kept_as_last_words() -> None:
    assert output.read_line(b"Killed\n") == ("Killed", False)
    assert output.read_line(b"[1, 2]") == ("[1, 2]", False)
    assert output.read_line(b'{"level": "ERROR", "event": "lost"}') == ("lost", True)


# Roles and their environment


def test_there_are_as_many_workers_as_the_settings_say(tmp_path: Path) -> None:
    made = roles.workers(settings_of(tmp_path, WORKERS_TRAIN="2", WORKERS_PREDICT="0"))
    assert [role.name for role in made] == [
        "worker-market",
        "worker-train-1",
        "worker-train-2",
        "worker-alerts",
        "scheduler",
    ]


def test_children_get_the_addresses_and_no_file_that_would_override_them(tmp_path: Path) -> None:
    done = servers.complete(
        settings_of(tmp_path, DATABASE_URL="postgresql://x"), database_url="postgresql://y", redis_url="r"
    )
    env = environments.environment("web", done, {"DATABASE_URL_FILE": "/secret", "REDIS_URL": "old", "PATH": "/bin"})
    assert "DATABASE_URL_FILE" not in env
    assert (env["DATABASE_URL"], env["REDIS_URL"], env["PATH"]) == ("postgresql://y", "r", "/bin")
    assert len(env["SECRET_KEY"]) >= 32


def test_children_get_what_the_machine_sets_and_no_secrets_of_others(tmp_path: Path) -> None:
    done = servers.complete(settings_of(tmp_path), database_url="postgresql://y", redis_url="r")
    machine = {"HTTPS_PROXY": "http://proxy:3128", "OMP_NUM_THREADS": "1", "PYTHONPATH": "/x", "REPLAYED_HOST": "a"}
    others = {"AWS_SECRET_ACCESS_KEY": "a", "GITHUB_TOKEN": "b", "PGPASSWORD": "c", "SENTRY_DSN": "d", "OTHER_URL": "e"}
    env = environments.environment("live-binance", done, machine | others | {"METRICS_TOKEN": "m"})
    assert machine.items() <= env.items()
    assert env.keys() & (others.keys() | {"METRICS_TOKEN", "SECRET_KEY"}) == set()


def test_set_addresses_start_no_servers_of_our_own(tmp_path: Path) -> None:
    chosen = servers.choose(settings_of(tmp_path, DATABASE_URL="postgresql://x/y", REDIS_URL="redis://z"))
    assert (chosen.postgres, chosen.valkey) == (None, None)
