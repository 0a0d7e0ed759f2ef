"""What children say: whole to a bounded log file each, errors also to the terminal."""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

KEEP_BYTES = 5 * 1024**2  # of each log; one older file is kept beside it
READ_BYTES = 65_536
QUIET_SECONDS = 60  # the same error is shown once in this time
LOUD = {"ERROR", "CRITICAL"}


def say(line: str) -> None:
    """A line on the terminal; a closed terminal is no reason to fall."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        pass


def read_line(line: bytes) -> tuple[str, bool]:
    """What a log line says, for a person, and whether it reports an error."""
    text = line.decode(errors="replace").strip()
    try:
        entry = json.loads(text)
    except ValueError:
        return text, False
    if not isinstance(entry, dict) or "event" not in entry:
        return text, False
    cause = str(entry.get("error", "")).strip().splitlines()
    said = f"{entry['event']} ({cause[-1]})" if cause else str(entry["event"])
    return said, entry.get("level") in LOUD


@dataclass
class Log:
    """One role's log file. Feed it bytes; it returns the lines a person should see now."""

    path: Path
    rest: bytes = b""
    last: str = ""  # the last line with text, for the sentence on a crash
    shown: dict[str, float] = field(default_factory=dict)

    def feed(self, data: bytes) -> list[str]:
        self._append(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.rest = self.rest[-READ_BYTES:]
        loud = []
        for line in lines:
            said, is_error = read_line(line)
            self.last = said[:300] or self.last
            if is_error and self._is_new(said):
                loud.append(said)
        return loud

    def _is_new(self, event: str) -> bool:
        now = time.monotonic()
        self.shown = {text: at for text, at in self.shown.items() if now - at < QUIET_SECONDS}
        return self.shown.setdefault(event, now) == now

    def _append(self, data: bytes) -> None:
        try:
            if self.path.exists() and self.path.stat().st_size > KEEP_BYTES:
                self.path.replace(self.path.with_suffix(".log.1"))
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "ab") as file:
                file.write(data)
        except OSError as error:  # a full disk must not end the supervisor
            self.last = f"the log cannot be written: {error.strerror}"
