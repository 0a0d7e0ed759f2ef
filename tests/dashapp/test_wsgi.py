"""What gunicorn loads: the whole application, and nothing heavy with it."""

import json
import os
import subprocess
import sys

SERVE = """
import gc, json, sys
from dashapp.wsgi import app
started = set(sys.modules)
client = app.test_client()
statuses = [client.get(path).status_code for path in ("/health/live", "/login", "/", "/_dash-layout")]
import dashapp.auth.sign_in, callbacks.attach
heavy = ["tensorflow", "keras", "ccxt", "torch", "sklearn", "numba", "alembic", "workers", "demo", "zxcvbn"]
heavy += ["pandas", "pyarrow", "jwt", "cryptography.hazmat", "webauthn", "onnxruntime"]
print(json.dumps({"statuses": statuses, "heavy": [name for name in heavy if name in sys.modules]}))
from plotly.io.json import to_json_plotly
from dash import html
to_json_plotly(html.Div("drawn"))
late = sorted(name for name in set(sys.modules) - started if name.startswith("numpy"))
print(json.dumps({"frozen": gc.get_freeze_count(), "late": late}))
"""


def serve(postgres, code: str = SERVE, **more: str) -> subprocess.CompletedProcess:
    names = {"DATABASE_URL": postgres.url, "SECRET_KEY": "s" * 40, "PATH": os.environ["PATH"]}
    return subprocess.run([sys.executable, "-c", code], env=names | more, capture_output=True, text=True, timeout=60)


def test_the_web_process_loads_neither_tensorflow_nor_ccxt(postgres, database) -> None:
    done = serve(postgres)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-2]) == {"statuses": [200, 302, 302, 401], "heavy": []}


def test_the_start_leaves_nothing_for_the_first_drawing_to_load_and_little_to_collect(postgres) -> None:
    told = json.loads(serve(postgres).stdout.splitlines()[-1])
    assert told["late"] == []
    assert told["frozen"] > 100_000


def test_pages_log_json_lines_with_the_id_of_the_request(postgres, database) -> None:
    code = """
from dashapp.wsgi import app
def fail():
    raise RuntimeError("boom")
app.view_functions["health.live"] = fail
app.test_client().get("/health/live", headers={"X-Request-ID": "trace-me-123"})
"""
    lines = [json.loads(line) for line in serve(postgres, code).stdout.splitlines()]
    failed = [line for line in lines if "boom" in line.get("error", "")]
    assert [line["request_id"] for line in failed] == ["trace-me-123"]
    assert failed[0]["role"] == "web"


def test_without_a_database_the_start_says_what_to_do(postgres) -> None:
    done = serve(postgres, "import dashapp.wsgi", DATABASE_URL="")
    assert done.returncode != 0
    assert "make run" in done.stderr


def test_in_production_a_secret_key_is_demanded(postgres) -> None:
    done = serve(postgres, "import dashapp.wsgi", BOLT_ENV="production", SECRET_KEY="")
    assert done.returncode != 0
    assert "SECRET_KEY must be set" in done.stderr
