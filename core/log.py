"""JSON logs, one line an event, with the ids of the request, the job and the user it belongs to."""

import json
import logging
import os
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from core.hidden import hide, secrets_in

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
user_id: ContextVar[int | None] = ContextVar("user_id", default=None)

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Whatever a record holds becomes one JSON object on one line; `extra` fields are kept.

    The process's own secrets, and passwords in addresses, are hidden wherever they stand: libraries put both into
    their messages.
    """

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role
        self._secrets = [json.dumps(secret)[1:-1] for secret in sorted(secrets_in(os.environ), key=len, reverse=True)]

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "role": self.role,
            "logger": record.name,
            "event": record.getMessage(),
        }
        for name, variable in (("request_id", request_id), ("job_id", job_id), ("user_id", user_id)):
            if (value := variable.get()) is not None:
                line[name] = value
        line.update({k: v for k, v in vars(record).items() if k not in STANDARD})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return hide(json.dumps(line, default=str, ensure_ascii=True), self._secrets)


def configure(role: str, level: str = "INFO") -> None:
    """Send every logger of this process to stdout as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
