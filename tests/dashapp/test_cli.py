"""The commands: what they print, how they end, and that they work on servers of their own or of others."""

import gzip
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import core.settings
from core import job_queue
from core.clock import utc_now
from core.errors import ConfigurationError
from core.jobs import TRAIN_MODEL
from core.market_name import MarketName
from dashapp.cli import backup, candles, following, models, settings_docs
from dashapp.cli.main import main
from dashapp.cli.output import columns
from dashapp.supervisor import servers, state
from dashapp.version import ROOT, version
from db.queries import audit, factors, invariants, jobs, markets
from db.tables import Candle, Job, TrainedModel, User

PASSWORD = "a long phrase nobody else would choose"
HEAD = "timestamp,open,high,low,close,volume\n"
ROWS = "1700002800000,10,12,9,11,100\n1700006400000,11,13,10,12,50\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def environ(database: Engine, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment in which commands find the servers of the test run."""
    values = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "REDIS_URL": redis_url,
        "BOLT_DATA": str(tmp_path / "var"),
        "SECRET_KEY": "k" * 64,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.fixture
def run(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        before = signal.getsignal(signal.SIGTERM)
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            signal.signal(signal.SIGTERM, before)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def write(path: Path, text_: str) -> Path:
    path.write_text(text_)
    return path


MARKET = ("--exchange", "binance", "--symbol", "BTC/USDT", "--timeframe", "1h")


# Shape


def test_the_command_module_loads_neither_dash_nor_pandas_nor_sqlalchemy() -> None:
    code = (
        "import sys, dashapp.cli.main; "
        "print([m for m in ('dash','pandas','numpy','sqlalchemy','flask','tensorflow') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == "[]"


def test_version_is_the_one_of_the_project(run: Run) -> None:
    assert run("--version")[:2] == (0, f"Bolt {version()}\n")


@pytest.mark.parametrize("arguments", [(), ("fly",), ("train", "--horizon", "soon")])
def test_wrong_usage_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_a_wrong_setting_ends_with_78_and_names_the_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    code, out, err = run("--json", "models")
    assert code == 78
    assert "PORT must be a whole number" in err
    assert "PORT" in json.loads(out)["error"]


def test_an_unknown_failure_is_a_sentence_and_a_traceback_only_on_demand(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(settings_docs, "table", fail)
    code, _, err = run("settings")
    assert code == 1
    assert "ZeroDivisionError: by nothing" in err
    assert "Traceback" not in err
    with pytest.raises(ZeroDivisionError):
        run("settings", "--debug")


def test_ctrl_c_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(settings_docs, "table", interrupt)
    code, _, err = run("settings")
    assert (code, err) == (130, "Stopped.\n")


def test_a_database_that_does_not_answer_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://bolt:x@127.0.0.1:1/bolt")
    code, _, err = run("models")
    assert code == 1
    assert err.startswith("The database does not answer")


# Accounts


def test_the_owner_is_made_once_from_a_password_on_stdin(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run("setup-code", "--json")
    assert code == 0
    assert len(json.loads(out)["setup_code"]) == 14
    monkeypatch.setattr("sys.stdin", Lines(PASSWORD))
    code, out, _ = run("create-owner", "--email", "Ada@Example.org", "--json")
    assert (code, json.loads(out)) == (0, {"email": "ada@example.org"})
    assert session.query(User).one().is_owner
    monkeypatch.setattr("sys.stdin", Lines(PASSWORD))
    code, _, err = run("create-owner", "--email", "eve@example.org")
    assert (code, err) == (1, "This desk has an owner already. Sign in instead.\n")
    assert run("setup-code")[0] == 1


def test_a_weak_or_missing_password_is_refused_and_nothing_is_made(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in ("short", ""):
        monkeypatch.setattr("sys.stdin", Lines(line))
        assert run("create-owner", "--email", "ada@example.org")[0] == 1
    assert session.query(User).count() == 0


def test_a_reset_password_ends_every_session(run: Run, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Lines(PASSWORD))
    run("create-owner", "--email", "ada@example.org")
    before = session.query(User).one()
    old = (before.password_hash, before.session_version)
    monkeypatch.setattr("sys.stdin", Lines(PASSWORD + " again"))
    assert run("reset-password", "--email", "ada@example.org")[0] == 0
    session.expire_all()
    after = session.query(User).one()
    assert after.password_hash != old[0]
    assert after.session_version > old[1]
    monkeypatch.setattr("sys.stdin", Lines(PASSWORD))
    assert run("reset-password", "--email", "eve@example.org")[0] == 1


def test_codes_of_somebody_who_lost_them_are_turned_off(run: Run, session: Session, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", Lines(PASSWORD))
    run("create-owner", "--email", "ada@example.org")
    ada = session.query(User).one().id
    factors.offer_totp(session, ada, "sealed", now=utc_now())
    factors.confirm_totp(session, ada, now=utc_now())
    session.commit()
    assert run("reset-two-factor", "--email", "eve@example.org")[0] == 1
    assert run("reset-two-factor", "--email", "Ada@example.org")[0] == 0
    session.rollback()
    assert not factors.totp_on(session, ada)


class Lines:
    """A stdin that holds one line."""

    def __init__(self, line: str) -> None:
        self.line = line

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        return f"{self.line}\n" if self.line else ""


# Candles


def test_a_file_comes_in_and_goes_out_with_the_same_values(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "candles.csv.gz"
    file.write_bytes(gzip.compress((HEAD + ROWS).encode()))
    code, out, _ = run("import-candles", str(file), *MARKET)
    assert (code, out.strip().splitlines()[-1]) == (
        0,
        "2 stored, 0 unchanged, 0 duplicates, 0 refused, 0 gaps (0 missing)",
    )
    code, out, _ = run("import-candles", str(file), *MARKET, "--json")
    assert json.loads(out)["stored"] == 0
    exported = tmp_path / "out.csv"
    assert run("export-candles", str(exported), *MARKET)[0] == 0
    rows = [[float(cell) for cell in line.split(",")] for line in exported.read_text().splitlines()[1:]]
    assert rows == [[float(cell) for cell in line.split(",")] for line in ROWS.splitlines()]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_a_bad_row_refuses_the_file_and_is_named(run: Run, tmp_path: Path, session: Session) -> None:
    file = write(tmp_path / "bad.csv", HEAD + ROWS + "1700010000000,11,9,10,12,50\n")
    code, out, err = run("import-candles", str(file), *MARKET, "--json")
    assert code == 1
    assert "line 4:" in err
    assert json.loads(out)["refused_lines"][0][0] == 4
    assert session.query(Candle).count() == 0
    code, out, _ = run("import-candles", str(file), *MARKET, "--skip-bad")
    assert code == 0
    assert out.startswith("2 stored, 0 unchanged, 0 duplicates, 1 refused")


def test_of_several_files_the_good_ones_are_stored_and_the_code_tells(run: Run, tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", HEAD + ROWS)
    code, out, err = run("import-candles", str(tmp_path / "missing.csv"), str(good), *MARKET)
    assert code == 1
    assert "missing.csv cannot be read" in err
    assert out.startswith("2 stored")


def test_what_is_not_stored_cannot_be_exported_and_no_file_is_left(run: Run, tmp_path: Path) -> None:
    code, _, err = run("export-candles", str(tmp_path / "out.csv"), *MARKET)
    assert code == 1
    assert err
    assert not (tmp_path / "out.csv").exists()
    assert run("export-candles", str(tmp_path / "no" / "out.csv"), *MARKET)[0] == 1


def test_a_span_may_be_given_as_a_date_a_time_or_milliseconds() -> None:
    assert candles._moment("2024-01-31") == candles._moment("2024-01-31T00:00+00:00") == 1_706_659_200_000
    assert candles._moment("1706659200000") == 1_706_659_200_000


# Invariants


def test_a_sound_database_passes_the_check(run: Run, tmp_path: Path) -> None:
    run("import-candles", str(write(tmp_path / "c.csv", HEAD + ROWS)), *MARKET)
    code, out, err = run("check")
    assert (code, out.splitlines()[0], err) == (0, "Everything that must hold holds.", "")
    assert "The audit log holds 1 event; its head is" in out


def test_check_names_an_audit_event_that_was_changed(run: Run, session: Session, database: Engine) -> None:
    audit.record(session, actor_id=None, actor="system", action="champion_changed")
    session.commit()
    with database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE audit_events SET actor = 'somebody'"))
    code, out, _ = run("check")
    assert (code, out) == (1, "audit event 1 was changed\n")


def test_check_names_candles_off_the_grid_and_silent_jobs(run: Run, session: Session) -> None:
    market = markets.get_or_create(session, MarketName("binance", "BTC/USDT"))
    off = datetime(2024, 1, 31, 12, 30, tzinfo=UTC)
    values = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    session.add(Candle(market_id=market.id, timeframe="1h", open_time=off, **values))
    session.add(Candle(market_id=market.id, timeframe="1w", open_time=datetime(2024, 1, 29, tzinfo=UTC), **values))
    silent = datetime.now(UTC) - timedelta(seconds=121)
    session.add(Job(id="silent", name="top_up", queue="market", state="running", attempt=1, heartbeat_at=silent))
    session.add(
        Job(id="lively", name="top_up", queue="market", state="running", attempt=1, heartbeat_at=datetime.now(UTC))
    )
    session.commit()
    code, out, err = run("check", "--json")
    assert code == 1
    assert json.loads(out)["breaches"] == [
        "I6 off the grid: binance:BTC/USDT 1h 2024-01-31 12:30:00",
        "I7 runs without a heartbeat: silent (top_up, attempt 1)",
    ]
    assert "2 breaches" in err


def test_check_names_values_no_candle_can_have(run: Run, session: Session, database: Engine) -> None:
    market = markets.get_or_create(session, MarketName("binance", "BTC/USDT"))
    session.commit()
    with database.connect() as connection:  # rolled back: the constraint must stand again afterwards
        connection.execute(text("ALTER TABLE candles DROP CONSTRAINT ck_candles_ohlcv"))
        connection.execute(
            text("INSERT INTO candles VALUES (:market, '1h', '2024-01-31 12:00Z', 5, 4, 3, 5, -1, 0)"),
            {"market": market.id},
        )
        assert invariants.candles(Session(connection)) == ["I6 no candle: binance:BTC/USDT 1h 2024-01-31 12:00:00"]
        connection.rollback()


@pytest.mark.parametrize(
    ("content", "expected"), [(b"weights", 0), (b"other", 1), (None, 1)], ids=["same", "changed", "missing"]
)
def test_check_compares_the_files_of_champions(
    run: Run, session: Session, environ: dict[str, str], content: bytes | None, expected: int
) -> None:
    folder = Path(environ["BOLT_DATA"]) / "models" / "m1"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "model.onnx").write_bytes(content)
    session.add(
        TrainedModel(
            name="btc", version=1, state="champion", simulated=False, markets=["binance:BTC/USDT"], timeframe="1h",
            horizon=24, config={}, card={}, folder="m1",
            manifest={"model.onnx": hashlib.sha256(b"weights").hexdigest()},
        )
    )  # fmt: skip
    session.commit()
    code, out, _ = run("check")
    assert code == expected
    assert ("I9 champion btc v1" in out) == bool(expected)


# Models


def test_without_models_the_list_says_so(run: Run) -> None:
    assert run("models")[:2] == (0, "No model has been trained yet.\n")
    assert json.loads(run("models", "--json")[1]) == []


def test_a_table_has_a_head_and_aligned_columns() -> None:
    rows = [{"model": "btc v1", "state": "champion"}, {"model": "a", "state": "x"}]
    assert columns(rows) == ["model   state", "btc v1  champion", "a       x"]
    found = [{**row, "finding": "No better than base rates."} for row in rows]
    assert models._listed(found)[1:3] == ["btc v1  champion", "  No better than base rates."]


def test_a_card_for_a_person_leaves_long_lists_to_json() -> None:
    card = {"markets": ["a", "b"], "simulated": False, "metrics": {"log_loss": 1.09569}, "baselines": [{"key": "x"}]}
    assert models._lines(card) == ["markets: a,b", "simulated: no", "metrics:", "  log_loss: 1.0957"]


def test_train_submits_the_job_as_it_was_asked_for(run: Run, session: Session) -> None:
    code, out, _ = run(
        "train", "--markets", "binance:BTC/USDT,binance:ETH/USDT", "--timeframe", "1h", "--horizon", "24", "--json"
    )
    assert code == 0
    job = jobs.get(session, json.loads(out)["job"])
    assert job.name == TRAIN_MODEL.name
    assert job.owner_id is None
    assert job.args == {
        "markets": ["binance:BTC/USDT", "binance:ETH/USDT"],
        "timeframe": "1h",
        "horizon": 24,
        "epochs": 60,
        "seeds": 1,
        "scheme": "single",
        "folds": 1,
        "train_days": 365,
        "stride": 1,
        "cost": 0.002,
    }
    assert len(job_queue.queue("train")) == 1
    (event,) = audit.page(session, audit.Wanted(action="training_asked"))
    assert (event.actor, event.object) == ("command line", f"job {job.id}")


@pytest.mark.parametrize("wrong", [("--markets", "BTC"), ("--timeframe", "2h")])
def test_train_refuses_what_cannot_be_read_before_it_starts_anything(run: Run, wrong: tuple[str, str]) -> None:
    asked = {"--markets": "binance:BTC/USDT", "--timeframe": "1h", "--horizon": "24"} | dict([wrong])
    code, _, err = run("train", *(word for pair in asked.items() for word in pair))
    assert code == 1
    assert wrong[1] in err


def test_waiting_for_a_training_that_fails_ends_with_its_reason(run: Run, session: Session) -> None:
    code, out, err = run(
        "train", "--markets", "binance:NONE/USDT", "--timeframe", "1h", "--horizon", "24", "--wait", "--json"
    )
    assert code == 1
    job = session.query(Job).one()
    assert job.state == "failed"
    assert job.reason
    assert job.reason in err
    assert job.reason in json.loads(out)["error"]


def test_ctrl_c_while_waiting_cancels_the_job(run: Run, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_progress: dict[str, Any]) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(following, "_others_work", lambda: True)
    monkeypatch.setattr(following, "_progress", interrupt)
    code, _, err = run("train", "--markets", "binance:BTC/USDT", "--timeframe", "1h", "--horizon", "24", "--wait")
    assert code == 130
    assert "Cancelling the job" in err
    assert session.query(Job).one().state == "cancelled"


def test_predict_without_a_model_or_candles_is_a_sentence(run: Run) -> None:
    code, _, err = run("predict", "binance:BTC/USDT", "--timeframe", "1h")
    assert code == 1
    assert err
    assert "Unexpected" not in err


# Backup


def test_a_backup_holds_the_database_and_every_model_file(
    run: Run, environ: dict[str, str], tmp_path: Path, postgres: Any
) -> None:
    run("import-candles", str(write(tmp_path / "c.csv", HEAD + ROWS)), *MARKET)
    folder = Path(environ["BOLT_DATA"]) / "models" / "m1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")
    target = tmp_path / "kept" / "bolt.tar"
    code, _, _ = run("backup", str(target), "--json")
    assert code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["bolt.tar"]
    with tarfile.open(target) as tar:
        assert tar.getnames() == ["database.dump", "models/m1/model.onnx", "manifest.json"]
        tar.extractall(tmp_path / "again", filter="data")
    manifest = json.loads((tmp_path / "again" / "manifest.json").read_text())
    dump = tmp_path / "again" / "database.dump"
    assert manifest["database.dump"] == hashlib.sha256(dump.read_bytes()).hexdigest()
    listed = subprocess.run(
        [str(postgres.binary("pg_restore")), "--list", str(dump)], capture_output=True, text=True, check=True
    ).stdout
    assert "TABLE DATA public candles_1h" in listed


def test_a_backup_that_fails_leaves_nothing_behind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_pg_dump", lambda: Path("/bin/false"))
    code, _, err = run("backup", str(tmp_path / "bolt.tar"))
    assert code == 1
    assert "pg_dump could not read the database" in err
    assert not (tmp_path / "bolt.tar").exists()


# Servers of their own


def test_a_command_brings_its_own_servers_where_none_run(bolt_data: Path) -> None:
    home = bolt_data / "own-servers"
    home.mkdir()
    home.chmod(0o755)
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")} | {"BOLT_DATA": str(home)}
    command = [sys.executable, "-m", "dashapp", "migrate", "--json"]
    both = [subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "the second waits for the first"
    assert [set(json.loads(text_)) for text_ in said] == [{"revision"}] * 2
    assert not (home / "postgres" / "postmaster.pid").exists()
    assert not state.is_held(home)


def test_a_command_uses_the_servers_of_a_bolt_that_runs(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(environ["BOLT_DATA"])
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name)
    holder = f"""
import time
from pathlib import Path
from dashapp.supervisor import state
data = Path({str(data)!r})
with state.hold(data):
    state.write(data, state.State(1, state.UP, "", {environ["DATABASE_URL"]!r}, {environ["REDIS_URL"]!r}))
    print("held", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        before = time.monotonic()
        assert main(["models"]) == 0
        assert time.monotonic() - before < 5
    finally:
        process.kill()
        process.communicate()
    assert capsys.readouterr().out == "No model has been trained yet.\n"
    assert not (data / "postgres").exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = core.settings.read({"BOLT_DATA": str(tmp_path / "file" / "var")})
    with pytest.raises(ConfigurationError, match="cannot be written"):
        servers.choose(settings)


def test_a_database_that_goes_away_during_a_command_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(session: Session) -> None:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr("db.queries.trained_models.summaries", fall)
    code, _, err = run("models")
    assert (code, err) == (1, "The database went away during the command. Start Bolt, then try again.\n")


@pytest.mark.parametrize(("option", "value"), [("--seeds", "2000000000"), ("--horizon", "0"), ("--epochs", "-1")])
def test_train_refuses_nonsense_at_once(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"--markets": "binance:BTC/USDT", "--timeframe": "1h", "--horizon": "24"} | {option: value}
    assert main(["train", *(word for pair in asked.items() for word in pair)]) == 1
    assert "not possible" in capsys.readouterr().err
