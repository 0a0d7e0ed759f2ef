"""One supervised process: started again with back-off when it ends, ended with everything it started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from core.errors import BoltError
from dashapp.supervisor.output import READ_BYTES, Log, say

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a crashed child starts again, doubling
FORGIVEN_AFTER = 60.0  # seconds of life after which earlier crashes no longer count

Launch = Callable[[int], "subprocess.Popen[bytes]"]  # takes the descriptor the child writes to


def kill_session(leader: int) -> None:
    """End whatever still runs in the session a child led: RQ's horses outlive their worker otherwise."""
    for process in psutil.process_iter():
        try:
            if process.pid != leader and os.getsid(process.pid) == leader:
                process.kill()
        except (psutil.Error, OSError):
            continue


@dataclass
class Child:
    """`tick` is called a few times a second: it reads what the child says and restarts it when it has ended."""

    name: str
    launch: Launch
    log: Log
    end_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    output: int | None = None
    started: float = 0.0
    crashes: int = 0
    retry_at: float = field(default=0.0)

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    @property
    def runs(self) -> bool:
        return self.pid is not None

    def start(self) -> None:
        """Launch with a pipe of our own; raises what the launch raises."""
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        try:
            self.process = self.launch(theirs)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._close_output()
        self.output, self.started = ours, time.monotonic()

    def listen(self) -> None:
        """Move what the child has said into its log; errors go to the terminal."""
        while self.output is not None:
            try:
                data = os.read(self.output, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._close_output()
                return
            for line in self.log.feed(data):
                say(f"{self.name}: {line}")

    def _close_output(self) -> None:
        if self.output is not None:
            os.close(self.output)
            self.output = None

    def tick(self, now: float) -> bool:
        """Listen, notice the end, start again when its time has come; True where something changed."""
        self.listen()
        if self.process is not None and self.process.poll() is not None:
            self._note_end(now)
            return True
        if self.process is None and now >= self.retry_at:
            self._start_again(now)
            return True
        return False

    def _start_again(self, now: float) -> None:
        try:
            self.start()
        except (BoltError, OSError) as error:
            self.crashes += 1
            self.retry_at = now + self._pause()
            say(f"{self.name} could not be started: {error}")
        else:
            say(f"{self.name} was started again.")

    def _pause(self) -> float:
        return float(min(FIRST_PAUSE * 2 ** min(self.crashes - 1, 10), LONGEST_PAUSE))

    def _note_end(self, now: float) -> None:
        assert self.process is not None
        code = self.process.returncode
        kill_session(self.process.pid)
        self.listen()
        self.crashes = 1 if now - self.started > FORGIVEN_AFTER else self.crashes + 1
        pause = self._pause()
        self.process, self.retry_at = None, now + pause
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        said = f" It said: {self.log.last}" if self.log.last and code != 0 else ""
        say(f"{self.name} {how}; it starts again in {pause:g} s. Log: {self.log.path}.{said}")

    def ask_to_end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.end_signal)

    def end(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic) for the end that was asked for, then kill; nothing it started is left."""
        if self.process is None:
            return
        while self.process.poll() is None and time.monotonic() < deadline:
            self.listen()
            time.sleep(0.02)
        if self.process.poll() is None:
            say(f"{self.name} did not end in time and was killed.")
            self.process.kill()
            self.process.wait()
        kill_session(self.process.pid)
        self.listen()
        self._close_output()
        self.process = None


def log_path(data: Path, name: str) -> Path:
    """`BOLT_DATA/log/<role>.log`."""
    folder = data / "log"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # also one made by an earlier version
    return folder / f"{name}.log"
