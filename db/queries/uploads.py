"""Files handed in on the page, kept until a worker has imported them."""

from sqlalchemy import String, cast, delete, exists, func
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.jobs import IMPORT_FILE, OPEN_STATES
from db.tables import Job, Upload


def add(session: Session, user_id: int, *, file_name: str, content: bytes) -> Upload:
    """Keep a file for the worker that imports it."""
    row = Upload(user_id=user_id, file_name=file_name, content=content)
    session.add(row)
    session.flush()
    return row


def get(session: Session, upload_id: int) -> Upload:
    """The file; raises NotFound once it was imported or cleared away."""
    found = session.get(Upload, upload_id)
    if found is None:
        raise NotFound("The uploaded file is not there any more. Choose it again on the Markets page.")
    return found


def remove(session: Session, upload_id: int) -> None:
    """Forget the file."""
    session.execute(delete(Upload).where(Upload.id == upload_id))


def clear_away(session: Session, *, hours: int) -> int:
    """Delete files this old that no open import will read: their job was cancelled or failed. Returns how many."""
    reads = Job.args["upload_id"].astext == cast(Upload.id, String)
    awaited = exists().where(Job.name == IMPORT_FILE.name, Job.state.in_(OPEN_STATES), reads)
    old = Upload.created_at < func.now() - func.make_interval(0, 0, 0, 0, hours)
    return len(list(session.scalars(delete(Upload).where(old, ~awaited).returning(Upload.id))))
