"""Files wait for their worker and are gone afterwards."""

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.jobs import IMPORT_FILE
from db.queries import jobs, uploads
from db.tables import Upload, User


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


def test_a_file_whose_import_came_to_nothing_is_cleared_away(session: Session, user: User) -> None:
    cancelled, awaited, fresh = (uploads.add(session, user.id, file_name="x", content=b"1").id for _ in range(3))
    ids = {n: jobs.create(session, IMPORT_FILE, {"upload_id": n}, owner_id=user.id).id for n in (cancelled, awaited)}
    jobs.request_cancel(session, ids[cancelled])
    past = func.now() - func.make_interval(0, 0, 0, 0, 2)
    session.execute(update(Upload).where(Upload.id != fresh).values(created_at=past))
    assert uploads.clear_away(session, hours=1) == 1
    assert set(session.scalars(select(Upload.id))) == {awaited, fresh}
