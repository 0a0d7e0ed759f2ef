"""S21: the words that the browser test looks for stand in every column that holds text from outside."""

from pathlib import Path

from sqlalchemy.orm import Session

from db.base import Base
from tests.security import canaries


def test_s21_every_text_from_outside_is_planted(session: Session, owner: int, tmp_path: Path) -> None:
    canaries.plant(session, owner, tmp_path)
    assert canaries.unplanted(session) == [], "plant it in canaries.py, or say there that it is Bolt's own"


def test_s21_what_is_left_out_is_there() -> None:
    tables = {table.name: set(table.c.keys()) for table in Base.metadata.sorted_tables}
    assert tables.keys() >= canaries.NEVER_FROM_OUTSIDE
    assert [name for name, columns in canaries.OURS.items() if not columns <= tables[name]] == []
