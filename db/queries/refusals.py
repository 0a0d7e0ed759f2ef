"""Every refused line of files that were handed in, for whoever handed them in."""

import zlib

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from core.errors import NotFound
from db.tables import ImportRefusal


def keep(
    session: Session,
    job_id: str,
    lines: list[tuple[int, str]],
    *,
    user_id: int,
    import_id: int | None,
    file_name: str,
) -> None:
    """Write down (line, reason) of a file, in place of what an earlier attempt of the job found."""
    text = "\n".join(f"{line}\t{' '.join(reason.split())}" for line, reason in lines)
    values = {
        "user_id": user_id,
        "import_id": import_id,
        "file_name": file_name,
        "count": len(lines),
        "lines": zlib.compress(text.encode()),
    }
    made = insert(ImportRefusal).values(job_id=job_id, **values)
    session.execute(made.on_conflict_do_update(index_elements=[ImportRefusal.job_id], set_=values))


def of_user(session: Session, user_id: int, *, limit: int = 100) -> list[ImportRefusal]:
    """The newest files of a person with refused lines; the lines themselves are not read."""
    query = select(ImportRefusal).filter_by(user_id=user_id).options(defer(ImportRefusal.lines))
    return list(session.scalars(query.order_by(ImportRefusal.created_at.desc()).limit(limit)))


def of_failed_imports(
    session: Session, *, user_id: int, limit: int = 100
) -> list[tuple[ImportRefusal, tuple[int, str]]]:
    """A person's newest files of which nothing was stored, each with the first line that was refused and why."""
    query = select(ImportRefusal).where(ImportRefusal.import_id.is_(None), ImportRefusal.user_id == user_id)
    rows = session.scalars(query.order_by(ImportRefusal.created_at.desc()).limit(limit))
    return [(row, _lines(row)[0]) for row in rows]


def lines_of(session: Session, job_id: str, *, user_id: int) -> list[tuple[int, str]]:
    """(line, reason) of a file of this person; raises NotFound, for files of others too."""
    found = session.scalar(select(ImportRefusal).filter_by(job_id=job_id, user_id=user_id))
    if found is None:
        raise NotFound("There are no refused lines of yours here. Imports stand on the Markets page.")
    return _lines(found)


def _lines(found: ImportRefusal) -> list[tuple[int, str]]:
    parted = (line.partition("\t") for line in zlib.decompress(found.lines).decode().split("\n"))
    return [(int(number), reason) for number, _, reason in parted]
