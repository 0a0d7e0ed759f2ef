"""Watch-lists: one's own, in one's own order, kept for good."""

import threading

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound, Refused
from core.market_name import parse
from core.roles import Role
from db.queries import markets, watchlists
from db.tables import Watchlist
from tests.web import add_user

NAMES = ("binance:BTC/USDT", "binance:ETH/USDT", "demo:SOL/USDT", "kraken:LTC/USD")


@pytest.fixture
def ids(session: Session) -> list[int]:
    made = [markets.get_or_create(session, parse(name), simulated=name.startswith("demo")).id for name in NAMES]
    session.commit()
    return made


@pytest.fixture
def mara(session: Session, ids: list[int]) -> int:
    return add_user(session, "mara@example.org", Role.VIEWER)


def seen(session: Session, user_id: int) -> tuple[int, ...]:
    return watchlists.shown(session, user_id).market_ids


def test_a_list_nobody_changed_is_what_the_desk_follows_real_markets_first(session: Session, mara: int, ids) -> None:
    assert watchlists.shown(session, mara).market_ids == ()
    for market_id in ids[1:3]:
        markets.set_followed(session, market_id, True)
    now = watchlists.shown(session, mara)
    assert (now.id, now.version, now.market_ids) == (None, 0, (ids[1], ids[2]))
    markets.set_followed(session, ids[0], True)
    assert seen(session, mara) == (ids[0], ids[1], ids[2])


def test_the_first_change_keeps_what_was_shown(session: Session, mara: int, ids) -> None:
    markets.set_followed(session, ids[0], True)
    assert watchlists.add_market(session, mara, ids[3])
    markets.set_followed(session, ids[1], True)
    assert seen(session, mara) == (ids[0], ids[3])
    assert not watchlists.add_market(session, mara, ids[3])


def test_a_market_comes_back_to_its_place(session: Session, mara: int, ids) -> None:
    for market_id in ids:
        watchlists.add_market(session, mara, market_id)
    assert watchlists.remove_market(session, mara, ids[1]) == 1
    assert seen(session, mara) == (ids[0], ids[2], ids[3])
    watchlists.add_market(session, mara, ids[1], 1)
    assert seen(session, mara) == tuple(ids)
    assert watchlists.remove_market(session, mara, 10**6) is None


def test_an_order_keeps_what_it_does_not_name_and_knows_no_strangers(session: Session, mara: int, ids) -> None:
    for market_id in ids:
        watchlists.add_market(session, mara, market_id)
    watchlists.set_order(session, mara, [ids[2], 10**6, ids[0], ids[2]])
    assert seen(session, mara) == (ids[2], ids[0], ids[1], ids[3])


def test_a_list_is_ones_own(session: Session, mara: int, ids) -> None:
    ben = add_user(session, "ben@example.org", Role.VIEWER)
    watchlists.add_market(session, mara, ids[0])
    watchlists.set_sort(session, mara, "day", False)
    assert seen(session, ben) == ()
    with pytest.raises(NotFound):
        watchlists.choose_list(session, ben, watchlists.shown(session, mara).id or 0)


def test_the_sort_is_kept_and_nonsense_is_refused(session: Session, mara: int) -> None:
    watchlists.set_sort(session, mara, "volume", False)
    now = watchlists.shown(session, mara)
    assert (now.sort, now.descending) == ("volume", False)
    with pytest.raises(Refused, match="sorted by market, last"):
        watchlists.set_sort(session, mara, "beauty", True)


def test_a_list_is_not_endless(session: Session, mara: int) -> None:
    for k in range(watchlists.MOST):
        market_id = markets.get_or_create(session, parse(f"demo:C{k}/USDT")).id
        watchlists.add_market(session, mara, market_id)
    more = markets.get_or_create(session, parse("demo:MORE/USDT")).id
    with pytest.raises(Refused, match="100 markets at most"):
        watchlists.add_market(session, mara, more)


def test_a_whole_list_is_replaced_only_as_it_was_read(session: Session, mara: int, ids) -> None:
    version = watchlists.shown(session, mara).version
    watchlists.put(session, mara, ids[:2], sort="own", descending=True, version=version)
    assert seen(session, mara) == tuple(ids[:2])
    with pytest.raises(Conflict):
        watchlists.put(session, mara, ids, sort="own", descending=True, version=version)
    watchlists.put(session, mara, [ids[3], ids[3]], sort="day", descending=False, version=None)
    assert seen(session, mara) == (ids[3],)


def test_named_lists_are_made_chosen_renamed_and_deleted(session: Session, mara: int, ids) -> None:
    watchlists.add_market(session, mara, ids[0])
    main = watchlists.shown(session, mara).id
    other = watchlists.create_list(session, mara, "  Small   caps ")
    now = watchlists.shown(session, mara)
    assert (now.id, now.name, now.market_ids) == (other, "Small caps", ())
    assert [name for _, name in now.lists] == [watchlists.MAIN, "Small caps"]
    watchlists.add_market(session, mara, ids[1])
    watchlists.choose_list(session, mara, main or 0)
    assert seen(session, mara) == (ids[0],)
    watchlists.rename_list(session, mara, "Large caps")
    assert watchlists.shown(session, mara).name == "Large caps"
    watchlists.delete_list(session, mara)
    assert seen(session, mara) == (ids[1],)
    with pytest.raises(Refused, match="only watch-list"):
        watchlists.delete_list(session, mara)


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "main WATCH-list"])
def test_a_name_that_will_not_do_is_refused(session: Session, mara: int, name: str) -> None:
    with pytest.raises(Refused):
        watchlists.create_list(session, mara, name)


def test_lists_are_not_endless(session: Session, mara: int) -> None:
    for k in range(watchlists.MOST_LISTS - 1):
        watchlists.create_list(session, mara, f"List {k}")
    with pytest.raises(Refused, match="12 watch-lists already"):
        watchlists.create_list(session, mara, "One more")


def test_two_browsers_at_once_make_one_list(database: Engine, session: Session, mara: int, ids) -> None:
    def add(market_id: int) -> None:
        with Session(database) as own:
            watchlists.add_market(own, mara, market_id)
            own.commit()

    threads = [threading.Thread(target=add, args=(market_id,)) for market_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(seen(session, mara)) == set(ids)
    assert session.query(Watchlist).count() == 1
