"""The schema the code needs, read without Alembic."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import migrate, schema


def test_the_newest_revision_is_the_one_alembic_finds() -> None:
    assert schema.newest() == migrate.head()


def test_the_database_is_at_the_revision_alembic_finds(engine: Engine) -> None:
    assert schema.current(engine) == migrate.current(engine) == schema.newest()


def test_the_newest_of_several_is_the_one_nothing_builds_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, down in (("0001", "None"), ("0002", '"0001"'), ("0003", '"0002"')):
        (tmp_path / f"{name}.py").write_text(f'revision: str = "{name}"\ndown_revision: str | None = {down}\n')
    monkeypatch.setattr(schema, "VERSIONS", tmp_path)
    assert schema.newest() == "0003"


def test_an_empty_database_has_no_revision(database: Engine) -> None:
    try:
        with database.begin() as connection:
            connection.execute(text("ALTER TABLE alembic_version RENAME TO hidden"))
        assert schema.current(database) is None
    finally:
        with database.begin() as connection:
            connection.execute(text("ALTER TABLE hidden RENAME TO alembic_version"))
