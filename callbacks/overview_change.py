"""What a person does to the watch-list, taken apart: nothing of it is trusted."""

from typing import Any

from sqlalchemy.orm import Session

import core.market_name as market_name
from callbacks.guards import may
from callbacks.trail import note
from core.errors import Forbidden, NotFound, Refused
from core.market_name import MarketName
from core.roles import Role
from db.queries import markets, watchlists

UNKNOWN = "Bolt does not know what to do with that. Load the page again."


def change(session: Session, user_id: int, wish: dict[str, Any], *, exchanges: tuple[str, ...]) -> int | None:
    """Do it; returns the id of a market whose past is to be fetched, None where there is none."""
    word = wish.get("act")
    if word == "add":
        return _add(session, user_id, str(wish.get("market")), exchanges)
    if word == "remove":
        watchlists.remove_market(session, user_id, _number(wish.get("id")))
    elif word == "undo":
        market = markets.by_id(session, _number(wish.get("id")))
        watchlists.add_market(session, user_id, market.id, _number(wish.get("place")))
    elif word == "order":
        watchlists.set_order(session, user_id, [_number(one) for one in _list(wish.get("ids"))])
        watchlists.set_sort(session, user_id, watchlists.OWN, True)
    elif word == "sort":
        watchlists.set_sort(session, user_id, str(wish.get("by")), bool(wish.get("down")))
    elif word == "create":
        watchlists.create_list(session, user_id, str(wish.get("name")))
    elif word == "choose":
        watchlists.choose_list(session, user_id, _number(wish.get("list")))
    elif word == "rename":
        watchlists.rename_list(session, user_id, str(wish.get("name")))
    elif word == "delete":
        watchlists.delete_list(session, user_id)
    else:
        raise Refused(UNKNOWN)
    return None


def _add(session: Session, user_id: int, path: str, exchanges: tuple[str, ...]) -> int | None:
    """Put a market on the list; one that is not stored yet is followed from now on, which analysts may do."""
    exchange, _, symbol = path.partition("/")
    name = market_name.parse_path(exchange, symbol)
    try:
        stored = markets.get(session, name).id
    except NotFound:
        return _follow(session, user_id, name, exchanges)
    watchlists.add_market(session, user_id, stored)
    return None


def _follow(session: Session, user_id: int, name: MarketName, exchanges: tuple[str, ...]) -> int:
    if not may(Role.ANALYST):
        raise Forbidden(f"{name} is not followed here yet. Ask an analyst or an admin of this desk to follow it.")
    if name.exchange not in exchanges:
        raise Refused(f"Bolt does not ask {name.exchange} for candles. Set EXCHANGES to change that.")
    market_id = markets.get_or_create(session, name).id
    markets.set_followed(session, market_id, True)
    note(session, "market_followed", str(name))
    watchlists.add_market(session, user_id, market_id)
    return market_id


def _number(given: Any) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 2**31:
        return given
    raise Refused(UNKNOWN)


def _list(given: Any) -> list[Any]:
    if isinstance(given, list) and len(given) <= 2 * watchlists.MOST:
        return given
    raise Refused(UNKNOWN)
