"""Versions of trained models."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select, text
from sqlalchemy.orm import Session, defer

from core.errors import NotFound
from db.queries import sorting
from db.tables import TrainedModel

CHAMPION, CANDIDATE, RETIRED = "champion", "candidate", "retired"
CALLS = "calls"  # the long part of a card, left out of overviews
TITLE = TrainedModel.name + " v" + cast(TrainedModel.version, String)
STORED_SORTS: dict[str, Any] = {
    "title": TITLE,
    "state": TrainedModel.state,
    "timeframe": TrainedModel.timeframe,
    "created_at": TrainedModel.created_at,
}


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A version with its card, but for the card's test calls."""

    id: int
    name: str
    version: int
    state: str
    simulated: bool
    markets: list[str]
    timeframe: str
    horizon: int
    card: dict[str, Any]
    created_at: datetime
    owner_id: int | None
    proven: bool
    demoted_because: str | None

    @property
    def title(self) -> str:
        return f"{self.name} v{self.version}"


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(TrainedModel)) or 0


def table(session: Session) -> list[ModelRow]:
    """Every version, newest first."""
    return [ModelRow(*row) for row in session.execute(_rows())]


def page(session: Session, *, before: int | None = None, limit: int) -> list[ModelRow]:
    """The newest `limit` versions, of those older than the version with the id `before`."""
    query = _rows() if before is None else _rows().where(TrainedModel.id < before)
    return [ModelRow(*row) for row in session.execute(query.limit(limit))]


def _rows() -> Select[Any]:
    wanted = (
        TrainedModel.id,
        TrainedModel.name,
        TrainedModel.version,
        TrainedModel.state,
        TrainedModel.simulated,
        TrainedModel.markets,
        TrainedModel.timeframe,
        TrainedModel.horizon,
        TrainedModel.card.op("-")(CALLS),
        TrainedModel.created_at,
        TrainedModel.owner_id,
        TrainedModel.proven,
        TrainedModel.demoted_because,
    )
    return select(*wanted).order_by(TrainedModel.id.desc())


def ids(session: Session) -> list[int]:
    """Every version's id, newest first."""
    return list(session.scalars(select(TrainedModel.id).order_by(TrainedModel.id.desc())))


def summaries(session: Session) -> list[dict[str, Any]]:
    """What a list in a terminal needs of every version, newest first."""
    return [
        {
            "model": row.title,
            "state": row.state,
            "proven": row.proven,
            "verdict": row.card["verdict"],
            "simulated": row.simulated,
            "markets": row.markets,
            "timeframe": row.timeframe,
            "horizon": row.horizon,
            "finding": row.card["finding"],
            "log_loss": row.card["metrics"]["log_loss"],
            "created_at": row.created_at.isoformat(),
        }
        for row in table(session)
    ]


def get(session: Session, model_id: int) -> TrainedModel:
    """The version with this id, its card whole; raises NotFound."""
    found = session.get(TrainedModel, model_id)
    if found is None:
        raise NotFound("There is no such model version. Choose one on the Models page.")
    return found


def find(session: Session, name: str, version: int) -> TrainedModel:
    """Version `version` of the family `name`; raises NotFound."""
    found = session.scalar(select(TrainedModel).where(TrainedModel.name == name, TrainedModel.version == version))
    if found is None:
        raise NotFound(f"There is no model {name} v{version}. `python -m dashapp models` lists what there is.")
    return found


def named(session: Session, text_: str) -> TrainedModel:
    """The version a person means by `name v3`, `name@3` or its id; raises NotFound."""
    if text_.isdecimal() and len(text_) < 10:
        return get(session, int(text_))
    found = re.fullmatch(r"(\S+)(?:\s+v|@v?)(\d{1,9})", text_.strip())
    if found is None:
        raise NotFound(f"“{text_}” names no model version. Write it as `name v3`, `name@3` or by its id.")
    return find(session, found[1], int(found[2]))


def champion(session: Session, name: str) -> TrainedModel | None:
    """The version of a family that serves."""
    return session.scalar(select(TrainedModel).where(TrainedModel.name == name, TrainedModel.state == CHAMPION))


def champions(session: Session, timeframe: str | None = None) -> list[TrainedModel]:
    """Every version that serves, newest first, cards not read."""
    query = select(TrainedModel).where(TrainedModel.state == CHAMPION).order_by(TrainedModel.id.desc())
    if timeframe is not None:
        query = query.where(TrainedModel.timeframe == timeframe)
    return list(session.scalars(query.options(defer(TrainedModel.card))))


def versions(session: Session, name: str) -> list[TrainedModel]:
    """All versions of a family in the order they are tried: the champion, then the newest; cards not read."""
    query = select(TrainedModel).where(TrainedModel.name == name)
    query = query.order_by((TrainedModel.state == CHAMPION).desc(), TrainedModel.version.desc())
    return list(session.scalars(query.options(defer(TrainedModel.card))))


def lock(session: Session, name: str) -> int:
    """The next version number of a family; nobody else gets one until this transaction ends."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('trained_models:' || :name, 0))"), {"name": name}
    )
    newest = session.scalar(select(func.max(TrainedModel.version)).where(TrainedModel.name == name))
    return (newest or 0) + 1


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A version and the folder of its files."""

    id: int
    title: str
    state: str
    markets: list[str]
    timeframe: str
    created_at: datetime
    folder: str


def stored(
    session: Session, *, text_: str = "", start: int = 0, limit: int = 50, sort: str = "", descending: bool = True
) -> list[StoredRow]:
    """Versions as the admin desk lists them, newest first unless sorted otherwise; raises Refused for other orders."""
    order: tuple[Any, ...] = (TrainedModel.id.desc(),)
    if sort:
        column = sorting.chosen(STORED_SORTS, sort)
        order = (column.desc() if descending else column.asc(), *order)
    rows = session.execute(_stored(text_).order_by(*order).offset(start).limit(limit))
    return [StoredRow(*row) for row in rows]


def count_stored(session: Session, *, text_: str = "") -> int:
    return session.scalar(select(func.count()).select_from(_stored(text_).subquery())) or 0


def _stored(text_: str) -> Select[Any]:
    query = select(TrainedModel.id, TITLE, TrainedModel.state, TrainedModel.markets, TrainedModel.timeframe)
    query = query.add_columns(TrainedModel.created_at, TrainedModel.folder)
    if text_:
        places = (TITLE, TrainedModel.state, cast(TrainedModel.markets, String))
        query = query.where(or_(*(place.icontains(text_, autoescape=True) for place in places)))
    return query


def all_folders(session: Session) -> list[str]:
    """The folder of every version."""
    return list(session.scalars(select(TrainedModel.folder)))


def folders(session: Session, names: Iterable[str]) -> set[str]:
    """Those of the folders `names` that belong to a recorded version."""
    return set(session.scalars(select(TrainedModel.folder).where(TrainedModel.folder.in_(list(names)))))
