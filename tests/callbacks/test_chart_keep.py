"""Drawings, layouts and choices over the callbacks of the Charts page."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from callbacks import chart_keep
from core.errors import Refused
from core.roles import Role
from db.queries import chart_state, users
from tests.candle_data import store, walk
from tests.fire import fire, toasts
from tests.web import SignIn

BTC = "binance/BTC-USDT"
LEVEL: dict[str, Any] = {"key": "a" * 20, "kind": "level", "points": [[1_000, 30_000.5]], "colour": 3, "text": ""}


@pytest.fixture
def viewer(signed_in: SignIn, session: Session) -> FlaskClient:
    store(session, "binance:BTC/USDT", walk(300))
    return signed_in(Role.VIEWER)


def send(client: FlaskClient, *ops: dict[str, Any]) -> dict[str, Any]:
    answer = fire(client, {"charts-ops.data": {"n": "1", "ops": list(ops)}})
    told: dict[str, Any] = answer.get_json()["response"]["charts-answer"]["data"]
    return told


def opened(client: FlaskClient, **view: Any) -> dict[str, Any]:
    answer = fire(client, {"charts-view.data": {"market": BTC, **view}}, output="charts-toolbar")
    told: dict[str, Any] = answer.get_json()["response"]
    return told


def drawn(client: FlaskClient, **view: Any) -> dict[str, Any]:
    asked = {"charts-view.data": {"market": BTC, **view}, "charts-wanted.data": None}
    frame: dict[str, Any] = fire(client, asked).get_json()["response"]["charts-frame"]["data"]
    return frame


def test_a_drawing_is_there_when_the_page_opens_again_and_not_for_others(
    viewer: FlaskClient, signed_in: SignIn
) -> None:
    told = send(viewer, {"op": "draw", "market": BTC, "drawing": LEVEL})
    assert told["ack"] == "1"
    kept = opened(viewer)["charts-kept"]["data"]
    assert (kept["market"], kept["drawings"]) == (BTC, [LEVEL])
    assert opened(signed_in(Role.ANALYST))["charts-kept"]["data"]["drawings"] == []
    send(viewer, {"op": "erase", "market": BTC, "keys": [LEVEL["key"]]})
    assert opened(viewer)["charts-kept"]["data"]["drawings"] == []


def test_a_refused_step_is_said_and_leaves_the_others(viewer: FlaskClient) -> None:
    bad = {"op": "draw", "market": BTC, "drawing": {**LEVEL, "colour": 99}}
    good = {"op": "draw", "market": BTC, "drawing": LEVEL}
    answer = fire(viewer, {"charts-ops.data": {"n": "7", "ops": [bad, {"op": "dance"}, good]}})
    told = answer.get_json()["response"]["charts-answer"]["data"]
    assert (told["ack"], told["drawings"]) == ("7", [LEVEL])
    assert "colour" in str(toasts(answer)) or "does not know" in str(toasts(answer))


def test_layouts_are_saved_and_the_standard_is_where_a_new_browser_begins(viewer: FlaskClient) -> None:
    content = {"ind": "sma:100,!rsi:14,nonsense", "type": "ha", "scale": "log", "tf": "4h", "else": 1}
    told = send(viewer, {"op": "layout", "name": "Slow", "content": content}, {"op": "standard", "name": "Slow"})
    kept = {"ind": "sma:100,!rsi:14", "type": "ha", "scale": "log", "tf": "4h"}
    assert told["layouts"] == [{"name": "Slow", "content": kept, "standard": True}]
    frame = drawn(viewer)
    assert (frame["ind"], frame["type"], frame["scale"], frame["tf"]) == ("sma:100,!rsi:14", "ha", "log", "4h")
    assert send(viewer, {"op": "drop-layout", "name": "Slow"})["layouts"] == []


def test_a_chart_opens_as_the_last_one_looked_and_the_address_wins(viewer: FlaskClient) -> None:
    assert drawn(viewer)["ind"] == "ema:20,ema:50,rsi:14"
    send(viewer, {"op": "settings", "changes": {"last": {"ind": "bb:20:2", "type": "area", "tf": "1d"}}})
    frame = drawn(viewer)
    assert (frame["ind"], frame["type"], frame["tf"]) == ("bb:20:2", "area", "1d")
    assert [line["of"] for line in frame["lines"]] == ["bb:20:2"] * 3
    said = drawn(viewer, ind="", tf="1h")
    assert (said["ind"], said["type"], said["tf"]) == ("", "candles", "1h")


def test_favourites_shorten_the_toolbar(viewer: FlaskClient) -> None:
    send(viewer, {"op": "settings", "changes": {"favourites": ["1d", "4h", "9h"], "unknown": 1}})
    bar = str(opened(viewer, tf="1h")["charts-toolbar"])
    assert all(f"'data-value': '{name}'" in bar for name in ("1h", "4h", "1d"))
    assert "'data-value': '5m'" not in bar


def test_what_a_page_sends_is_held_to_what_is_known(session: Session) -> None:
    made = chart_keep.choices({"favourites": ["1h", 5], "recent": [BTC] * 20, "keys": False, "calls": "no"})
    assert made == {"favourites": ["1h"], "recent": [BTC] * 8, "keys": False}
    with pytest.raises(Refused):
        chart_keep.looks({"ind": "ema:20," * 200})
    assert chart_keep.filled(session, None)["tf"] == "1h"


@pytest.mark.parametrize("sent", [None, "text", {"ops": "draw"}, {"ops": [{}] * 101}])
def test_a_message_that_cannot_be_read_changes_nothing(viewer: FlaskClient, session: Session, sent: Any) -> None:
    answer = fire(viewer, {"charts-ops.data": sent})
    assert "Reload the page" in str(toasts(answer))
    someone = users.by_email(session, "viewer@example.org")
    assert someone is not None
    assert chart_state.settings(session, someone.id) == {}
