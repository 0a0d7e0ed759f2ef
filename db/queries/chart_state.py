"""Drawings, layouts and small choices of one person. Nobody reads or changes those of another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.drawing import Drawing
from core.errors import NotFound, Refused
from db.tables import ChartDrawing, ChartLayout, ChartSettings

MOST_DRAWINGS = 200  # of one person on one market
MOST_LAYOUTS = 50  # of one person
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class LayoutRow:
    """A named layout; `content` holds `ind`, `type` and `scale` as the address has them."""

    name: str
    content: dict[str, Any]
    standard: bool


def drawings(session: Session, user_id: int, market_id: int) -> list[Drawing]:
    """What a person drew on a market, oldest first."""
    query = select(ChartDrawing).filter_by(user_id=user_id, market_id=market_id).order_by(ChartDrawing.id)
    return [
        Drawing(row.key, row.kind, tuple((int(at), float(price)) for at, price in row.points), row.colour, row.text)
        for row in session.scalars(query)
    ]


def keep_drawing(session: Session, user_id: int, market_id: int, drawing: Drawing) -> None:
    """Store a drawing, or what it was changed to. Raises Refused where a market has too many."""
    values = {word: value for word, value in drawing.plain().items() if word != "key"}
    own = insert(ChartDrawing).values(user_id=user_id, market_id=market_id, key=drawing.key, **values)
    session.execute(
        own.on_conflict_do_update(
            index_elements=["user_id", "key"],
            set_={**values, "updated_at": func.now()},
            where=ChartDrawing.market_id == market_id,
        )
    )
    count = select(func.count()).select_from(ChartDrawing).filter_by(user_id=user_id, market_id=market_id)
    if int(session.scalar(count) or 0) > MOST_DRAWINGS:
        raise Refused(f"A chart takes {MOST_DRAWINGS} drawings. Delete some of them first.")


def drop_drawings(session: Session, user_id: int, market_id: int, keys: Sequence[str]) -> None:
    """Delete drawings; those that are gone already stay gone."""
    mine = (ChartDrawing.user_id == user_id, ChartDrawing.market_id == market_id, ChartDrawing.key.in_(keys))
    session.execute(delete(ChartDrawing).where(*mine))


def layouts(session: Session, user_id: int) -> list[LayoutRow]:
    """A person's layouts by name."""
    query = select(ChartLayout).filter_by(user_id=user_id).order_by(func.lower(ChartLayout.name))
    return [LayoutRow(row.name, row.content, row.standard) for row in session.scalars(query)]


def keep_layout(session: Session, user_id: int, name: str, content: dict[str, Any]) -> None:
    """Store a layout under a name; one of that name is replaced. Raises Refused."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refused(f"Give the layout a name of 1 to {LONGEST_NAME} characters.")
    own = insert(ChartLayout).values(user_id=user_id, name=name, content=content)
    changed = {"content": content, "updated_at": func.now()}
    session.execute(own.on_conflict_do_update(index_elements=["user_id", "name"], set_=changed))
    if len(layouts(session, user_id)) > MOST_LAYOUTS:
        raise Refused(f"You have {MOST_LAYOUTS} layouts. Delete one you no longer use first.")


def drop_layout(session: Session, user_id: int, name: str) -> None:
    session.execute(delete(ChartLayout).where(ChartLayout.user_id == user_id, ChartLayout.name == name))


def set_standard(session: Session, user_id: int, name: str | None) -> None:
    """Make a layout the one a reset goes to, or with None go back to Bolt's own. Raises NotFound."""
    session.execute(update(ChartLayout).where(ChartLayout.user_id == user_id).values(standard=False))
    if name is None:
        return
    mine = (ChartLayout.user_id == user_id, ChartLayout.name == name)
    found = session.execute(update(ChartLayout).where(*mine).values(standard=True).returning(ChartLayout.id))
    if found.first() is None:
        raise NotFound(f"There is no layout “{name}”. It may have been deleted in another window.")


def settings(session: Session, user_id: int) -> dict[str, Any]:
    """A person's other choices, by word; empty before the first."""
    return dict(session.scalar(select(ChartSettings.content).filter_by(user_id=user_id)) or {})


def change_settings(session: Session, user_id: int, changes: dict[str, Any]) -> None:
    """Keep some of them, the others as they are."""
    own = insert(ChartSettings).values(user_id=user_id, content=changes)
    merged = ChartSettings.content.op("||")(own.excluded.content)
    session.execute(
        own.on_conflict_do_update(index_elements=["user_id"], set_={"content": merged, "updated_at": func.now()})
    )
