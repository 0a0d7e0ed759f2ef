"""What a person keeps of the Charts page: it is read as the page opens, and written as the browser says."""

from typing import Any

from dash import Input, Output
from flask_login import current_user
from sqlalchemy.orm import Session

import db.engine
from callbacks.chart_view import SCALES, TYPES, indicators, one_of
from callbacks.guards import current_user_id, needs
from callbacks.toasts import say
from callbacks.wiring import Wiring
from core import drawing
from core.errors import BoltError, Refused
from core.market_name import parse_path
from core.roles import Role
from core.timeframe import TIMEFRAMES
from db.queries import chart_state, markets
from layouts import ids
from layouts.pages.charts import DEFAULT_INDICATORS, DEFAULT_TIMEFRAME

MOST_RECENT = 8  # markets looked at last
MOST_OPS = 100  # in one message
LONGEST_LIST = 600  # characters of a list of indicators

wire = Wiring()


def somebody() -> int | None:
    """Who is signed in; None outside of a request."""
    return int(current_user.id) if current_user and current_user.is_authenticated else None


def filled(session: Session, raw: Any) -> dict[str, Any]:
    """What the page asks for, with what a person looked at last in place of what the address does not say."""
    raw = dict(raw) if isinstance(raw, dict) else {}
    user_id = somebody()
    own = chart_state.settings(session, user_id) if user_id is not None else {}
    last: dict[str, Any] = {}
    if user_id is not None and (raw.get("ind") is None or not raw.get("tf")):
        last = own.get("last") or _standard(session, user_id)
    if raw.get("calls") is None and own.get("calls") is False:
        raw["calls"] = "off"
    if raw.get("ind") is None:
        raw |= {"ind": last.get("ind", DEFAULT_INDICATORS)}
        raw |= {word: raw.get(word) or last.get(word) for word in ("type", "scale")}
    made: dict[str, Any] = raw | {"tf": raw.get("tf") or last.get("tf") or DEFAULT_TIMEFRAME}
    return made


def _standard(session: Session, user_id: int) -> dict[str, Any]:
    return next((row.content for row in chart_state.layouts(session, user_id) if row.standard), {})


def kept(session: Session, market_id: int | None, path: str | None) -> dict[str, Any] | None:
    """What the browser is told of it; None outside of a request."""
    user_id = somebody()
    if user_id is None:
        return None
    drawn = [one.plain() for one in chart_state.drawings(session, user_id, market_id)] if market_id else []
    return {"market": path, "drawings": drawn, **_choices(session, user_id)}


def _choices(session: Session, user_id: int) -> dict[str, Any]:
    rows = chart_state.layouts(session, user_id)
    layouts = [{"name": row.name, "content": row.content, "standard": row.standard} for row in rows]
    return {"layouts": layouts, "settings": chart_state.settings(session, user_id)}


@wire(
    Output(ids.Charts.ANSWER, "data"),
    Input(ids.Charts.OPS, "data"),
    prevent_initial_call=True,
    changes=True,
)
@needs(Role.VIEWER)
def keep(sent: Any) -> dict[str, Any]:
    """Do what the browser says, one step after the other; a step that is refused is said and leaves the others."""
    user_id = current_user_id()
    ops = sent.get("ops") if isinstance(sent, dict) else None
    if not isinstance(ops, list) or len(ops) > MOST_OPS:
        raise Refused("Bolt cannot read what this page sent. Reload the page.")
    refused = False
    for op in ops:
        try:
            with db.engine.session() as session:
                _do(session, user_id, op if isinstance(op, dict) else {})
        except BoltError as error:
            refused = True
            say(error.title, error.sentence, kind="bad")
    with db.engine.session() as session:
        answer = {"ack": sent.get("n"), **_choices(session, user_id)}
        path = next((op.get("market") for op in ops if isinstance(op, dict) and op.get("market")), None)
        if refused and path:
            answer |= kept(session, _market_id(session, path), path) or {}
    return answer


def _do(session: Session, user_id: int, op: dict[str, Any]) -> None:
    word, name = op.get("op"), str(op.get("name") or "")
    if word == "draw":
        chart_state.keep_drawing(
            session, user_id, _market_id(session, op.get("market")), drawing.read(op.get("drawing"))
        )
    elif word == "erase":
        keys = [drawing.read_key(key) for key in op.get("keys") or []]
        chart_state.drop_drawings(session, user_id, _market_id(session, op.get("market")), keys)
    elif word == "layout":
        chart_state.keep_layout(session, user_id, name, looks(op.get("content")))
    elif word == "drop-layout":
        chart_state.drop_layout(session, user_id, name)
    elif word == "standard":
        chart_state.set_standard(session, user_id, name or None)
    elif word == "settings":
        chart_state.change_settings(session, user_id, choices(op.get("changes")))
    else:
        raise Refused("Bolt does not know what this page asks for. Reload the page.")


def looks(raw: Any) -> dict[str, Any]:
    """Indicators, chart type, scale and timeframe from plain JSON, without what is not known."""
    raw = raw if isinstance(raw, dict) else {}
    words = str(raw.get("ind") or "")
    if len(words) > LONGEST_LIST:
        raise Refused("These are more indicators than a chart takes.")
    chosen, hidden, _ = indicators(words)
    made: dict[str, Any] = {"ind": ",".join("!" * (one.key in hidden) + one.key for one in chosen)}
    made["type"], made["scale"] = one_of(TYPES, raw.get("type")), one_of(SCALES, raw.get("scale"))
    if tf := one_of(tuple(TIMEFRAMES), raw.get("tf")):
        made["tf"] = tf
    return made


def choices(raw: Any) -> dict[str, Any]:
    """Favourites, markets looked at, the last look and switches from plain JSON, without what is not known."""
    raw = raw if isinstance(raw, dict) else {}
    made: dict[str, Any] = {}
    if isinstance(raw.get("favourites"), list):
        made["favourites"] = [name for name in TIMEFRAMES if name in raw["favourites"]]
    if isinstance(raw.get("recent"), list):
        made["recent"] = [_path(one) for one in raw["recent"][:MOST_RECENT]]
    if isinstance(raw.get("last"), dict):
        made["last"] = looks(raw["last"])
    made |= {word: raw[word] for word in ("keys", "calls") if isinstance(raw.get(word), bool)}
    return made


def _path(raw: Any) -> str:
    exchange, _, symbol = str(raw).partition("/")
    return parse_path(exchange, symbol).path


def _market_id(session: Session, path: Any) -> int:
    exchange, _, symbol = str(path or "").partition("/")
    return markets.get(session, parse_path(exchange, symbol)).id
