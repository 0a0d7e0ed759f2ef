"""What each person watches. Until somebody changes the list, it is the markets this desk follows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound, Refused
from db.tables import Market, StandIn, User, Watchlist, WatchlistEntry

MAIN = "Main watch-list"
MOST = 100  # markets of a list
MOST_LISTS = 12
BEGINS_WITH = 20  # followed markets a list begins with
OWN = "own"
SORTS = (OWN, "market", "last", "hour", "day", "week", "volume", "cap", "call", "age")


@dataclass(frozen=True, slots=True)
class Shown:
    """The list somebody looks at. `id` is None, and `version` 0, while nothing of it has been changed."""

    id: int | None
    name: str
    sort: str
    descending: bool
    version: int
    market_ids: tuple[int, ...]
    lists: tuple[tuple[int, str], ...] = ()


def shown(session: Session, user_id: int) -> Shown:
    """The list this person chose last, with the names of all of theirs."""
    query = select(Watchlist).where(Watchlist.user_id == user_id).order_by(Watchlist.id)
    every = list(session.scalars(query.execution_options(populate_existing=True)))
    names = tuple((one.id, one.name) for one in every)
    if not every:
        return Shown(None, MAIN, OWN, True, 0, _followed(session), names)
    found = next((one for one in every if one.chosen), every[0])
    ids = _entries(session, found.id)
    return Shown(found.id, found.name, found.sort, found.descending, found.version, tuple(ids), names)


def add_market(session: Session, user_id: int, market_id: int, place: int | None = None) -> bool:
    """Put a market at the end of the list, or at a place in it; False where it stands there already."""
    found, ids = _mine(session, user_id)
    if market_id in ids:
        return False
    _refuse_long(len(ids) + 1)
    ids.insert(len(ids) if place is None else max(0, place), market_id)
    _write(session, found, ids)
    return True


def remove_market(session: Session, user_id: int, market_id: int) -> int | None:
    """Take a market off the list; the place it had, None where it was not on it."""
    found, ids = _mine(session, user_id)
    if market_id not in ids:
        return None
    place = ids.index(market_id)
    ids.remove(market_id)
    _write(session, found, ids)
    return place


def set_order(session: Session, user_id: int, market_ids: Sequence[int]) -> None:
    """The order of the list; markets that are not named keep their order at its end, unknown ones are passed over."""
    found, ids = _mine(session, user_id)
    named = [one for one in dict.fromkeys(market_ids) if one in ids]
    _write(session, found, [*named, *(one for one in ids if one not in named)])


def set_sort(session: Session, user_id: int, sort: str, descending: bool) -> None:
    """What the list is sorted by."""
    if sort not in SORTS:
        raise Refused(f"A watch-list is sorted by {', '.join(SORTS[1:])}, or in its own order.")
    found, _ = _mine(session, user_id)
    found.sort, found.descending = sort, descending
    found.version += 1
    session.flush()


def put(
    session: Session, user_id: int, market_ids: Sequence[int], *, sort: str, descending: bool, version: int | None
) -> None:
    """Replace all of the list. With a `version`, only that one: raises Conflict where it was changed since."""
    before = shown(session, user_id).version
    found, _ = _mine(session, user_id)
    if version is not None and version != (before and found.version):
        raise Conflict("The watch-list was changed since you read it. Read it again, then send your change.")
    _refuse_long(len(set(market_ids)))
    set_sort(session, user_id, sort, descending)
    _write(session, found, list(dict.fromkeys(market_ids)))


def create_list(session: Session, user_id: int, name: str) -> int:
    """A new, empty list, which is shown from now on; the id."""
    name = _good_name(name)
    _mine(session, user_id)
    names = [one for _, one in shown(session, user_id).lists]
    if len(names) >= MOST_LISTS:
        raise Refused(f"There are {MOST_LISTS} watch-lists already. Delete one first.")
    _refuse_taken(name, names)
    made = Watchlist(user_id=user_id, name=name)
    session.add(made)
    session.flush()
    choose_list(session, user_id, made.id)
    return made.id


def choose_list(session: Session, user_id: int, list_id: int) -> None:
    """Show another list of this person; raises NotFound."""
    if list_id not in [one for one, _ in shown(session, user_id).lists]:
        raise NotFound("This watch-list is not there any more. Choose another one.")
    session.execute(update(Watchlist).where(Watchlist.user_id == user_id).values(chosen=Watchlist.id == list_id))


def rename_list(session: Session, user_id: int, name: str) -> None:
    """Call the list that is shown something else."""
    name = _good_name(name)
    found, _ = _mine(session, user_id)
    _refuse_taken(name, [one for key, one in shown(session, user_id).lists if key != found.id])
    found.name = name
    found.version += 1
    session.flush()


def delete_list(session: Session, user_id: int) -> None:
    """Delete the list that is shown; the last one stays."""
    found, _ = _mine(session, user_id)
    if len(shown(session, user_id).lists) < 2:
        raise Refused("This is your only watch-list. Take its markets off it instead.")
    session.delete(found)
    session.flush()


def _mine(session: Session, user_id: int) -> tuple[Watchlist, list[int]]:
    """The list that is shown, made where it is not yet; other changes of this person wait."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
    now = shown(session, user_id)
    if now.id is None:
        made = Watchlist(user_id=user_id, name=MAIN, chosen=True)
        session.add(made)
        session.flush()
        _write(session, made, list(now.market_ids))
        return made, list(now.market_ids)
    found = session.get(Watchlist, now.id)
    assert found is not None  # its person is locked
    return found, list(now.market_ids)


def _write(session: Session, found: Watchlist, market_ids: list[int]) -> None:
    session.query(WatchlistEntry).filter_by(watchlist_id=found.id).delete()
    rows = [{"watchlist_id": found.id, "market_id": one, "place": k} for k, one in enumerate(market_ids)]
    if rows:
        session.execute(insert(WatchlistEntry), rows)
    found.version += 1
    session.flush()


def _entries(session: Session, list_id: int) -> list[int]:
    query = select(WatchlistEntry.market_id).where(WatchlistEntry.watchlist_id == list_id)
    return list(session.scalars(query.order_by(WatchlistEntry.place)))


def _followed(session: Session) -> tuple[int, ...]:
    """What is followed for its own sake: a stand-in is seen in the row it serves."""
    hired = select(StandIn.stand_in_id).where(StandIn.ended_at.is_(None), StandIn.automatic)
    query = select(Market.id).where(Market.followed, Market.id.not_in(hired)).order_by(Market.simulated, Market.id)
    return tuple(session.scalars(query.limit(BEGINS_WITH)))


def _good_name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= 40:
        raise Refused("A watch-list's name has 1 to 40 characters.")
    return name


def _refuse_taken(name: str, names: Sequence[str]) -> None:
    if name.casefold() in [one.casefold() for one in names]:
        raise Refused(f"There is a watch-list “{name}” already. Choose another name.")


def _refuse_long(n: int) -> None:
    if n > MOST:
        raise Refused(f"A watch-list holds {MOST} markets at most. Take one off it, or make another list.")
