"""S22, S26, S27, S34, S35, S36, S38: processes, files, secrets and what reaches them."""

import io
import json
import logging
import os
import pickle
import re
import stat
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import psycopg2
import pytest
import redis
import yaml
from flask import Flask
from sqlalchemy.orm import Session

from core import job_queue
from core import settings as environment
from core.clock import utc_now
from core.errors import ConfigurationError, Refused
from core.jobs import Queue
from core.log import JsonLines
from core.market_name import parse
from core.roles import Role
from core.settings import Settings
from dashapp.config import ROOT
from dashapp.embedded.postgres import Postgres
from dashapp.embedded.valkey import Valkey
from dashapp.supervisor import child, environments, state
from db.queries import job_turns
from market import history_files
from ml import checkpoints
from tests.api import STEADY, asker, is_problem, login
from tests.web import OWNER, add_user, make_app, settings_for
from workers import worker

TRAINING = {"markets": ["binance:BTC/USDT"], "timeframe": "1h", "epochs": 3}


class Bomb:
    """What unpickling this does is make the file that its folder is named for."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self):
        return os.system, (f"touch {self.place}",)


# S26, S27: nothing that is handed in runs


def test_s27_a_pickled_call_in_redis_does_not_run(redis_url: str, tmp_path: Path) -> None:
    canary, client = tmp_path / "canary", redis.Redis.from_url(redis_url)
    client.hset("rq:job:evil", mapping={"data": pickle.dumps(Bomb(canary)), "status": "queued", "origin": "market"})
    client.rpush("rq:queue:market", "evil")
    client.sadd("rq:queues", "rq:queue:market")
    taken = worker.SafeQueue.dequeue_any(
        [worker.SafeQueue("market", connection=client, serializer=worker.JSONSerializer)],
        None,
        connection=client,
        serializer=worker.JSONSerializer,
    )
    assert taken is not None
    with pytest.raises(worker.POISON):
        taken[0].perform()
    assert not canary.exists()


def test_s26_a_checkpoint_with_a_pickled_object_is_not_read(tmp_path: Path) -> None:
    canary, path = tmp_path / "canary", tmp_path / "checkpoint.npz"
    np.savez(path, meta=np.array([Bomb(canary)], dtype=object), allow_pickle=True)
    assert checkpoints.Keeper(path, "x").load() is None
    assert not canary.exists()


def test_s26_no_route_takes_a_model_and_a_model_file_is_no_candle_file(app: Flask, session: Session) -> None:
    takers = [name for name, view in app.view_functions.items() if getattr(view, "takes_files", False)]
    assert takers == ["uploads.take_file"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../evil.csv", "time,open,high,low,close,volume\n")
        archive.writestr("config.json", json.dumps({"module": "os", "class_name": "system"}))
    name, now = parse("binance:BTC/USDT"), utc_now()
    with pytest.raises(Refused):
        history_files.import_file(session, buffer.getvalue(), name, "1h", file_name="model.keras", now=now)


# S27: servers of our own


def test_s27_postgresql_and_redis_want_their_password_and_listen_on_loopback(
    postgres: Postgres, valkey: Valkey
) -> None:
    wrong = re.sub(r":[^:@/]+@", ":wrong@", postgres.url.replace("+psycopg2", ""))
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(wrong)
    bare = redis.Redis.from_url(re.sub(r"//[^@]*@", "//", valkey.url))
    with pytest.raises(redis.AuthenticationError):
        bare.ping()
    for server in (postgres, valkey):
        assert server.process is not None
        family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
        places = set()
        for process in family:
            with suppress(psutil.NoSuchProcess):  # a child may end while it is looked at
                listening = (c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN)
                places |= {connection.laddr.ip for connection in listening}
        assert places == {"127.0.0.1"}


# S34: secrets


def test_s34_no_secret_stands_in_a_command_line(postgres: Postgres, valkey: Valkey) -> None:
    for server in (postgres, valkey):
        assert server.process is not None
        for process in (psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children()):
            assert "test-password" not in " ".join(process.cmdline())


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("demo", set()),
        ("live-binance", {"DATABASE_URL", "REDIS_URL"}),
        ("worker-train-2", {"DATABASE_URL", "REDIS_URL"}),
        ("worker-market", {"DATABASE_URL", "REDIS_URL", "COINGECKO_API_KEY"}),
        ("scheduler", {"DATABASE_URL", "REDIS_URL"}),
        (f"worker-{Queue.ALERTS}", environments.SECRETS - {"METRICS_TOKEN"}),
        ("web", environments.SECRETS),
    ],
)
def test_s34_each_process_is_told_only_the_secrets_it_needs(role: str, told: set[str]) -> None:
    names = {name: f"value of {name}" for name in environments.SECRETS} | {"SECRET_KEY": "k" * 40, "BOLT_DATA": "/x"}
    names |= {"DATABASE_URL": "postgresql://a:b@c/d", "REDIS_URL": "redis://:b@c"}
    others = {"CLOUD_API_TOKEN": "x", "OTHER_SERVICE_URL": "x", "SMTP_PASSWORD_FILE": "/run/x", "PATH": "/bin"}
    settings = environment.read({name: value for name, value in names.items() if name != "METRICS_TOKEN"})
    made = environments.environment(role, settings, names | others)
    assert environments.SECRETS & made.keys() == told
    assert {"CLOUD_API_TOKEN", "OTHER_SERVICE_URL"} & made.keys() == set()
    assert ("SMTP_PASSWORD_FILE" in made) == ("SMTP_PASSWORD" in told)
    assert made["PATH"] == "/bin"


def test_s34_logs_state_and_models_are_for_their_owner_alone(tmp_path: Path) -> None:
    for folder in ("log", "run"):
        (tmp_path / folder).mkdir(mode=0o755)  # as an earlier version made them
    child.log_path(tmp_path, "web")
    state.write(tmp_path, state.State(1, state.UP, database_url="postgresql://a:secret@b/c"))
    checkpoints.write(tmp_path / "models" / "model.onnx", b"x")
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("log", "run")}
    assert modes == {"log": 0o700, "run": 0o700}
    for name in ("run/state.json", "models/model.onnx"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name


@pytest.mark.parametrize("weak", ["", "changeme", "s" * 31])
def test_s34_production_does_not_start_without_a_strong_key(weak: str, tmp_path: Path) -> None:
    names = {"BOLT_ENV": "production", "SECRET_KEY": weak, "BOLT_DATA": str(tmp_path), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "dashapp", "up"]
    done = subprocess.run(command, env=names, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "SECRET_KEY must" in done.stderr + done.stdout


# S35: logs


def test_s35_a_line_of_the_log_stays_one_line_whatever_it_holds() -> None:
    nasty = 'mara\r\n{"event": "login_ok"}\x1b[2J\x00\u2028end'
    record = logging.makeLogRecord({"msg": "login_fail %s", "args": (nasty,), "address": nasty, "levelname": "INFO"})
    line = JsonLines("web").format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["address"] == nasty


def test_s35_events_say_who_when_where_and_what_and_no_password(
    app: Flask, owner: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        app.test_client().post("/api/auth/login", json={"email": OWNER, "password": "Wrong-secret-99"})
        pair = login(app, OWNER)
        renew = {"refresh_token": pair["refresh_token"]}
        for _ in range(2):
            app.test_client().post("/api/auth/refresh", json=renew)
    lines = [json.loads(JsonLines("web").format(record)) for record in caplog.records]
    events = {line["event"]: line for line in lines}
    assert {"login_fail", "login_ok", "token_reuse"} <= events.keys()
    assert (events["login_fail"]["account"], events["login_fail"]["address"]) == (owner, "127.0.0.1")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", line["at"]) for line in lines)
    assert "Wrong-secret-99" not in caplog.text
    assert not [token for token in pair.values() if isinstance(token, str) and len(token) > 20 and token in caplog.text]


# S36: costly work


def test_s36_of_a_hundred_trainings_of_one_person_five_are_taken_and_others_begin_all_the_same(
    settings: Settings, app: Flask, owner: int, session: Session
) -> None:
    roomy = make_app(settings_for(settings.database_url, settings.redis_url, **STEADY))
    second = add_user(session, "second@example.org", Role.ADMIN)
    ask = asker(roomy, login(roomy, OWNER)["access_token"])
    answers = [ask("POST", "/predictions/train", TRAINING | {"horizon": n}) for n in range(1, 101)]
    assert [a.status_code for a in answers] == [202] * 5 + [429] * 95
    assert is_problem(answers[-1], 429)
    assert int(answers[-1].headers["Retry-After"]) > 0
    other = asker(roomy, login(roomy, "second@example.org")["access_token"])
    assert other("POST", "/predictions/train", TRAINING | {"horizon": 101}).status_code == 202
    queue = job_queue.queue(Queue.TRAIN)
    began = [job_turns.claim(session, queue.fetch_job(call).args[0]) for call in queue.job_ids[:2]]
    assert [job.owner_id for job in began if job] == [owner, second]


# S38, S39: what is shipped


def test_s38_containers_run_as_nobody_special_on_a_disk_they_cannot_write() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = [s for s in services.values() if str(s.get("image", "")).startswith("bolt-")]
    assert len(ours) >= 5
    for service in ours:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert docker.count("USER 10001:10001") == 2
    assert not re.search(r"(?i)^(ENV|ARG).*(secret|password|token)", docker, re.MULTILINE)
    assert ".env" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_s38_units_of_systemd_take_no_rights_they_do_not_need() -> None:
    """Each unit that is shipped; there may be none."""
    for path in (ROOT / "deploy").glob("systemd/*.service"):
        text = path.read_text(encoding="utf-8")
        for word in ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "User="):
            assert word in text, f"{path.name} lacks {word}"
        assert not re.search(r"^User=root", text, re.MULTILINE)


def test_s39_the_bill_of_materials_is_that_of_the_locks() -> None:
    from tests.security import sbom

    assert json.loads(sbom.TARGET.read_text(encoding="utf-8")) == sbom.document(), "python -m tests.security.sbom"
    pins = re.findall(r"^[a-z0-9].*==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    named = {one["name"].lower() for one in sbom.components()}
    assert len(named) >= len(pins)
    assert all(one["hashes"] for one in sbom.components())


def test_behind_tls_the_desk_must_know_its_name() -> None:
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        environment.read({"BEHIND_TLS": "1"})
