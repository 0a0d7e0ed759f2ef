"""What people keep of the Charts page."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.drawing import Drawing
from core.errors import NotFound, Refused
from core.market_name import parse
from core.roles import Role
from db.queries import chart_state, markets
from db.tables import ChartDrawing, Market, User
from tests.web import add_user

LINE = Drawing("a" * 16, "trend", ((1_000, 2.5), (2_000, 3.0)), 2)


@pytest.fixture
def people(session: Session) -> tuple[int, int]:
    return add_user(session, "ada@example.org", Role.VIEWER), add_user(session, "ben@example.org", Role.VIEWER)


@pytest.fixture
def btc(session: Session) -> Market:
    return markets.get_or_create(session, parse("binance:BTC/USDT"))


def test_a_drawing_belongs_to_one_person_and_one_market(session: Session, people: tuple[int, int], btc: Market) -> None:
    ada, ben = people
    eth = markets.get_or_create(session, parse("binance:ETH/USDT"))
    chart_state.keep_drawing(session, ada, btc.id, LINE)
    assert chart_state.drawings(session, ada, btc.id) == [LINE]
    assert chart_state.drawings(session, ben, btc.id) == []
    assert chart_state.drawings(session, ada, eth.id) == []


def test_keeping_it_again_changes_it_and_another_person_cannot(
    session: Session, people: tuple[int, int], btc: Market
) -> None:
    ada, ben = people
    moved = Drawing(LINE.key, "trend", ((1_500, 2.0), (2_000, 3.0)), 5)
    chart_state.keep_drawing(session, ada, btc.id, LINE)
    chart_state.keep_drawing(session, ada, btc.id, moved)
    chart_state.keep_drawing(session, ben, btc.id, LINE)
    chart_state.drop_drawings(session, ben, btc.id, [LINE.key])
    assert chart_state.drawings(session, ada, btc.id) == [moved]
    assert chart_state.drawings(session, ben, btc.id) == []


def test_a_drawing_does_not_move_to_another_market(session: Session, people: tuple[int, int], btc: Market) -> None:
    eth = markets.get_or_create(session, parse("binance:ETH/USDT"))
    chart_state.keep_drawing(session, people[0], btc.id, LINE)
    chart_state.keep_drawing(session, people[0], eth.id, LINE)
    chart_state.drop_drawings(session, people[0], eth.id, [LINE.key])
    assert chart_state.drawings(session, people[0], btc.id) == [LINE]


def test_there_is_an_end_to_drawings(session: Session, people: tuple[int, int], btc: Market) -> None:
    for n in range(chart_state.MOST_DRAWINGS):
        chart_state.keep_drawing(session, people[0], btc.id, Drawing(f"{n:016x}", "level", ((1, 2.0),), 1))
    with pytest.raises(Refused, match="Delete some"):
        chart_state.keep_drawing(session, people[0], btc.id, LINE)


def test_drawings_go_with_the_account(session: Session, people: tuple[int, int], btc: Market) -> None:
    chart_state.keep_drawing(session, people[0], btc.id, LINE)
    session.delete(session.get(User, people[0]))
    session.flush()
    assert session.scalar(select(func.count()).select_from(ChartDrawing)) == 0


def test_layouts_are_kept_by_name(session: Session, people: tuple[int, int]) -> None:
    ada, ben = people
    chart_state.keep_layout(session, ada, "Trend", {"ind": "ema:20"})
    chart_state.keep_layout(session, ada, "  Trend ", {"ind": "ema:50"})
    chart_state.keep_layout(session, ada, "bare", {"ind": ""})
    assert [(row.name, row.content["ind"]) for row in chart_state.layouts(session, ada)] == [
        ("bare", ""),
        ("Trend", "ema:50"),
    ]
    assert chart_state.layouts(session, ben) == []
    chart_state.drop_layout(session, ada, "bare")
    assert [row.name for row in chart_state.layouts(session, ada)] == ["Trend"]
    with pytest.raises(Refused, match="name"):
        chart_state.keep_layout(session, ada, "   ", {})


def test_one_layout_is_the_standard(session: Session, people: tuple[int, int]) -> None:
    for name in ("One", "Two"):
        chart_state.keep_layout(session, people[0], name, {})
        chart_state.set_standard(session, people[0], name)
    assert [row.name for row in chart_state.layouts(session, people[0]) if row.standard] == ["Two"]
    chart_state.set_standard(session, people[0], None)
    assert not any(row.standard for row in chart_state.layouts(session, people[0]))
    with pytest.raises(NotFound):
        chart_state.set_standard(session, people[0], "Three")


def test_choices_are_merged(session: Session, people: tuple[int, int]) -> None:
    ada, ben = people
    assert chart_state.settings(session, ada) == {}
    chart_state.change_settings(session, ada, {"favourites": ["1h"]})
    chart_state.change_settings(session, ada, {"recent": ["binance/BTC-USDT"]})
    assert chart_state.settings(session, ada) == {"favourites": ["1h"], "recent": ["binance/BTC-USDT"]}
    assert chart_state.settings(session, ben) == {}
