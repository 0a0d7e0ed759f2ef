"""What the supervisor asks the database: bring it to the newest schema, is there an owner, is the demo wanted."""

from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

import db.engine
import db.migrate
from core.errors import ConfigurationError, Unavailable
from core.settings import Settings
from dashapp.auth import setup
from db.queries import instance, job_claims, markets, users


def connect(settings: Settings) -> Engine:
    """Connect this process."""
    return db.engine.connect(settings.database_url)


def migrate(settings: Settings) -> str:
    """Connect this process and migrate; returns the revision."""
    engine = connect(settings)
    try:
        return db.migrate.upgrade(engine)
    except CommandError as error:
        raise ConfigurationError(
            f"The database was made by a newer Bolt than this one ({error}). Update the clone, then start again."
        ) from error
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(f"The database does not answer or refuses the migration: {reason}") from error


def give_back_orphans() -> int:
    """Jobs that still count as running though nobody runs here: their workers ended with the servers.

    Only for servers of our own that have just been started. Returns how many there were.
    """
    with db.engine.session() as session:
        return len(job_claims.take_back(session, silent_for=0))


def setup_code(settings: Settings) -> str | None:
    """The code for the first visit; None once there is an owner, or while the database does not answer."""
    try:
        with db.engine.session() as session:
            return None if users.owner_exists(session) else setup.code(session, settings)
    except SQLAlchemyError:
        return None


def want_demo() -> None:
    """DEMO=on: the demo exchange is part of this installation from now on."""
    with db.engine.session() as session:
        instance.get(session).demo_enabled = True


def demo_is_wanted() -> bool:
    """What the row says; False while the database does not answer."""
    try:
        with db.engine.session() as session:
            return bool(instance.get(session).demo_enabled)
    except SQLAlchemyError:
        return False


def followed_exchanges() -> list[str]:
    """The exchanges of followed markets; none while the database does not answer."""
    try:
        with db.engine.session() as session:
            return sorted({market.exchange for market in markets.followed(session)})
    except SQLAlchemyError:
        return []


def announce_demo(url: str | None) -> bool:
    """Tell the workers where the demo exchange listens, None: nowhere; False where the database does not answer."""
    try:
        with db.engine.session() as session:
            instance.get(session).demo_url = url
    except SQLAlchemyError:
        return False
    return True
