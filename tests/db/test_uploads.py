"""Files wait for their worker and are gone afterwards."""

import pytest
from sqlalchemy.orm import Session

from core.errors import NotFound
from db.queries import uploads
from db.tables import User


@pytest.fixture
def user(session: Session) -> User:
    made = User(email="a@example.org", password_hash="x", role="analyst")
    session.add(made)
    session.flush()
    return made


def test_a_file_comes_back_byte_by_byte(session: Session, user: User) -> None:
    content = bytes(range(256)) * 100
    kept = uploads.add(session, user.id, file_name="x.csv.gz", content=content)
    session.expire_all()
    found = uploads.get(session, kept.id)
    assert (found.file_name, bytes(found.content), found.user_id) == ("x.csv.gz", content, user.id)


def test_a_removed_file_is_not_found(session: Session, user: User) -> None:
    kept = uploads.add(session, user.id, file_name="x.csv", content=b"1").id
    uploads.remove(session, kept)
    session.expire_all()
    with pytest.raises(NotFound, match="Choose it again"):
        uploads.get(session, kept)
