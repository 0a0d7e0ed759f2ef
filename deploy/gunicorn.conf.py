"""gunicorn: one process with many threads. Live streams hold a thread each, so threads are many and cheap.

More processes need more machines' worth of care (metrics, SSE fan-out): start a second unit on another port instead.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from gunicorn.http import wsgi

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core import settings as environment

_settings = environment.read()
_headers = wsgi.Response.default_headers

bind = f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
workers = 1
worker_class = "gthread"
threads = _settings.web_threads
timeout = 60  # a worker that gives no sign for so long is replaced
graceful_timeout = 2  # of the four seconds the supervisor waits; streams are ended at once
keepalive = 15
limit_request_line = 8190
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  (gunicorn's heartbeat file)
control_socket_disable = True
preload_app = False  # a restarted worker imports anew
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "core.log.JsonLines", "role": "web"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}},
    "loggers": {
        "gunicorn.error": {"level": _settings.log_level, "handlers": ["out"], "propagate": False},
        "gunicorn.access": {"level": "ERROR", "handlers": ["out"], "propagate": False},
    },
    "root": {"level": _settings.log_level, "handlers": ["out"]},
}


def post_fork(server: Any, worker: Any) -> None:
    """A worker ends with its arbiter, also when that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != server.pid:
            worker.alive = False


def post_worker_init(worker: Any) -> None:
    """On SIGTERM a worker ends its streams at once, and itself in time: threads that wait would keep it for ever."""

    def end_in_time() -> None:
        worker.wsgi.extensions["bolt_hub"].end_all()
        time.sleep(graceful_timeout)
        os._exit(0)

    def handle(signum: int, frame: Any) -> None:
        worker.handle_exit(signum, frame)
        threading.Thread(target=end_in_time, name="end-in-time", daemon=True).start()

    signal.signal(signal.SIGTERM, handle)
    signal.siginterrupt(signal.SIGTERM, False)
    if not worker.alive:  # asked while it was still importing
        handle(signal.SIGTERM, None)


def default_headers(response: Any) -> list[str]:
    """Those of gunicorn but for `Server`: what serves here is nobody's business, and there is no setting for it."""
    return [header for header in _headers(response) if not header.startswith("Server:")]


wsgi.Response.default_headers = default_headers
