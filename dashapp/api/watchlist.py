"""One's own watch-list: read it, replace it. `If-Match` makes sure that nothing is overwritten unseen."""

import hashlib
from typing import Annotated, Literal

from flask import abort, request
from pydantic import Field
from sqlalchemy.orm import Session

import core.market_name as market_name
import db.engine
from core.errors import Conflict, NotFound, Refused
from dashapp.api import guard
from dashapp.api.problems import wrong
from dashapp.api.route import Reply, Resource
from dashapp.api.schemas import Answer, Body
from db.queries import markets, watchlists
from db.queries.watch_figures import markets_of
from db.queries.watchlists import Shown

CHANGED = "The watch-list was changed since you read it. Read it again, then send your change."

resource = Resource("Watch-list")

Sort = Literal["own", "market", "last", "hour", "day", "week", "volume", "cap", "call", "age"]
Name = Annotated[str, Field(max_length=80, examples=["binance:BTC/USDT"])]
MARKETS = ["binance:BTC/USDT", "binance:ETH/USDT"]


class WatchlistItem(Answer):
    """The list that is shown on the Overview page, in the person's own order; `sort` is what the page sorts it by."""

    name: str = Field(examples=["Main watch-list"])
    markets: list[str] = Field(examples=[MARKETS])
    sort: Sort = Field(examples=["own"])
    descending: bool = Field(examples=[True])


class WatchlistBody(Body):
    """All of the list: what is not named is not on it any more."""

    markets: Annotated[list[Name], Field(max_length=watchlists.MOST, examples=[MARKETS])]
    sort: Sort = Field(default="own", examples=["own"])
    descending: bool = Field(default=True, examples=[True])


@resource("GET", "/watchlist", answer=WatchlistItem)
def show_watchlist() -> Reply:
    """The markets you watch; its ETag names this version of the list."""
    with db.engine.session() as session:
        return _reply(session, watchlists.shown(session, guard.caller().id))


@resource("PUT", "/watchlist", answer=WatchlistItem, body=WatchlistBody, scope=None, problems=(412,))
def replace_watchlist(body: WatchlistBody) -> Reply:
    """Replace the list; with `If-Match` only the version you read."""
    me = guard.caller().id
    with db.engine.session() as session:
        ids = [_known(session, text) for text in body.markets]
        before = watchlists.shown(session, me)
        if request.if_match and not request.if_match.contains(tag(_item(session, before))):
            abort(412, CHANGED)
        version = before.version if request.if_match else None
        try:
            watchlists.put(session, me, ids, sort=body.sort, descending=body.descending, version=version)
        except Conflict:
            abort(412, CHANGED)
        return _reply(session, watchlists.shown(session, me))


def tag(item: WatchlistItem) -> str:
    """The version of a list: the same for the same list, whoever reads it."""
    return hashlib.sha256(item.model_dump_json().encode()).hexdigest()[:24]


def _reply(session: Session, shown: Shown) -> Reply:
    item = _item(session, shown)
    return Reply(item, headers={"ETag": f'"{tag(item)}"'})


def _item(session: Session, shown: Shown) -> WatchlistItem:
    names = [f"{m.exchange}:{m.symbol}" for m in markets_of(session, shown.market_ids).values()]
    given = {"sort": shown.sort, "descending": shown.descending}
    return WatchlistItem.model_validate({"name": shown.name, "markets": names, **given})


def _known(session: Session, text: str) -> int:
    try:
        return markets.get(session, market_name.parse(text)).id
    except (NotFound, Refused) as error:
        raise wrong("body", "markets", error.sentence) from error
