"""The one row that says who this installation is."""

from sqlalchemy.orm import Session

from core.errors import Unavailable
from db.tables import Instance


def get(session: Session) -> Instance:
    """The row of this installation; raises Unavailable before the first migration has written it."""
    row = session.get(Instance, 1)
    if row is None:
        raise Unavailable("The database is not set up. Run `python -m dashapp migrate`.")
    return row
