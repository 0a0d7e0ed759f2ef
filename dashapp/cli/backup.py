"""`backup`: the database and the models in one file."""

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from core.clock import utc_now
from core.errors import ConfigurationError, Refused
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add
from dashapp.version import version

DUMP = "database.dump"


def register(add: Add) -> None:
    save = add("backup", backup, "Write the database (pg_dump, custom format) and the models into one file.")
    save.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: BOLT_DATA/backups/bolt-<time>.tar")


def backup(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """The file appears whole or not at all, readable by its owner alone."""
    import db.engine
    from db.queries import audit

    now = utc_now()
    target = asked.file or settings.bolt_data / "backups" / f"bolt-{now:%Y%m%d-%H%M%S}.tar"
    with attached(settings, output) as found:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            manifest = _write(target, found.settings, now)
            with db.engine.session() as session:
                audit.by_command(session, "backup_written", str(target), models=manifest["files"])
        except OSError as error:
            raise Refused(f"{target} cannot be written: {error.strerror or error}.") from error
    size = target.stat().st_size
    output.result(
        {"file": str(target), "bytes": size, **manifest},
        [f"{target}: {size / 1024**2:.1f} MB, {manifest['files']} model files, database {manifest['revision']}."],
    )
    return 0


def _write(target: Path, settings: Settings, now: datetime) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        dump, draft = Path(folder) / DUMP, Path(folder) / "draft.tar"
        _dump(settings, dump)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(dump, DUMP)
            manifest = _manifest(settings, dump, _add_models(tar, settings.models), now)
            _add_text(tar, "manifest.json", json.dumps(manifest, indent=2), now)
        draft.replace(target)
    return manifest


def _add_models(tar: tarfile.TarFile, models: Path) -> int:
    """Every file of the models folder; one that a training took away meanwhile belongs to no published version."""
    added = 0
    for path in sorted(path for path in models.rglob("*") if path.is_file()):
        try:
            tar.add(path, Path("models") / path.relative_to(models))
        except FileNotFoundError:
            continue
        added += 1
    return added


def _manifest(settings: Settings, dump: Path, files: int, now: datetime) -> dict[str, Any]:
    import db.engine
    import db.migrate

    with dump.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    revision = db.migrate.current(db.engine.make_engine(settings.database_url))
    return {"bolt": version(), "made_at": now.isoformat(), "revision": revision, "files": files, DUMP: digest}


def _add_text(tar: tarfile.TarFile, name: str, text: str, now: datetime) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(text.encode()), int(now.timestamp()), 0o600
    tar.addfile(entry, io.BytesIO(text.encode()))


def _dump(settings: Settings, target: Path) -> None:
    """pg_dump with the password in its environment, where no process list shows it."""
    from sqlalchemy import make_url

    url = make_url(settings.database_url)
    command = [str(_pg_dump()), "--format=custom", f"--file={target}", "--no-owner", "--no-privileges"]
    command += ["--host", url.host or "127.0.0.1", "--port", str(url.port or 5432)]
    command += ["--username", url.username or "bolt", "--dbname", url.database or "bolt"]
    env = dict(os.environ) | {"PGPASSWORD": str(url.password or "")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"pg_dump could not read the database: {done.stderr.strip()[-300:]}")


def _pg_dump() -> Path:
    """Bolt's own, or the system's where the embedded server is not installed."""
    from dashapp.embedded.postgres import installed

    try:
        return installed() / "bin" / "pg_dump"
    except ConfigurationError:
        if found := shutil.which("pg_dump"):
            return Path(found)
        raise
