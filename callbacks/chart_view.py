"""What the Charts page asks for: read from the address and from the span a pan or zoom wants."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

import db.queries.markets as markets
import market.candles
from core.clock import to_ms
from core.errors import Refused
from core.market_name import MarketName, parse_path
from core.timeframe import TIMEFRAMES, Timeframe
from db.queries.markets import SeriesRow
from db.tables import Market
from layouts.components.price_chart import Shown
from market.indicators.catalog import CATALOG, Chosen
from market.indicators.catalog import parse as parse_indicator

MOST_INDICATORS = 12
LONGEST_WORD = 40  # of an unreadable indicator that is shown back
MOST_BARS = 1_500  # that ever go to the browser at once
SCREENS = 3  # what is visible, and as much again on either side
VISIBLE = (40, 500)  # bars on the screen the browser may ask for
FIRST_BARS = 600  # of a chart that opens at its newest candle
RELATIVE = re.compile(r"now(?:-(\d{1,6})([mhdw]))?")
TYPES = ("candles", "hollow", "ha", "bars", "line", "area")
SCALES = ("log", "pct")
HIDDEN = "!"  # before an indicator that is on the chart and not drawn
UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


@dataclass(frozen=True, slots=True)
class View:
    """`start_ms` and `end_ms` bound what is visible, None where nothing was said; `bars` fit on the screen.

    `against` is a market to compare with, `hidden` are keys of chosen indicators that rest, `calls` says whether past
    calls are marked. `left_out` are sentences about what the address asks for and the chart cannot show.
    """

    market: MarketName | None
    timeframe: Timeframe
    chosen: tuple[Chosen, ...]
    start_ms: int | None
    end_ms: int | None
    bars: int
    seq: int
    type: str = "candles"
    scale: str | None = None
    against: MarketName | None = None
    hidden: frozenset[str] = frozenset()
    calls: bool = True
    left_out: tuple[str, ...] = ()

    @property
    def drawn(self) -> tuple[Chosen, ...]:
        """The indicators that are not hidden."""
        return tuple(one for one in self.chosen if one.key not in self.hidden)

    @property
    def words(self) -> str:
        """The indicators as the address has them."""
        return ",".join(HIDDEN * (one.key in self.hidden) + one.key for one in self.chosen)


@dataclass(frozen=True, slots=True)
class Place:
    """The market that is shown, what is stored of it, and the timeframes it can be drawn in.

    `asked` is the market of the address where another one serves in its place.
    """

    market: Market
    name: MarketName
    series: dict[str, SeriesRow]
    timeframes: tuple[str, ...]
    timeframe: Timeframe
    asked: MarketName | None = None

    @property
    def end_ms(self) -> int:
        """When the newest stored candle closed."""
        return max(row.last_ms + TIMEFRAMES[row.timeframe].ms for row in self.series.values())

    @property
    def shown(self) -> Shown:
        frame = self.timeframe
        return Shown(
            path=(self.asked or self.name).path,
            symbol=self.name.symbol,
            base=self.name.base,
            timeframe=frame.name,
            timeframe_ms=frame.ms,
            offset_ms=frame.offset_ms,
            simulated=self.market.simulated,
            decimals=self.market.price_decimals,
        )


def read(raw: Any, wanted: Any = None, *, now: datetime) -> View:
    """A view from `ids.Charts.VIEW` and `ids.Charts.WANTED`. What cannot be read of it is left out, and said."""
    raw = raw if isinstance(raw, dict) else {}
    wanted = wanted if isinstance(wanted, dict) and wanted.get("of") == (raw.get("seq") or 0) else {}
    span = wanted or raw
    chosen, hidden, left_out = indicators(str(raw.get("ind") or ""))
    edges: list[int | None] = []
    for edge in ("from", "to"):
        try:
            edges.append(moment(span.get(edge), now=now))
        except Refused as refusal:
            edges.append(None)
            left_out.append(refusal.sentence)
    return View(
        market=_market(raw.get("market")),
        timeframe=TIMEFRAMES.get(str(raw.get("tf")), TIMEFRAMES["1h"]),
        chosen=chosen,
        start_ms=edges[0],
        end_ms=edges[1],
        bars=min(max(_whole(wanted.get("bars"), VISIBLE[1]), VISIBLE[0]), VISIBLE[1]),
        seq=_whole(raw.get("seq"), 0),
        type=one_of(TYPES, raw.get("type")) or TYPES[0],
        scale=one_of(SCALES, raw.get("scale")),
        against=_market(raw.get("cmp")),
        hidden=hidden,
        calls=raw.get("calls") != "off",
        left_out=tuple(left_out),
    )


def one_of(words: tuple[str, ...], raw: Any) -> str | None:
    """The word, if it is one of them."""
    return raw if isinstance(raw, str) and raw in words else None


def indicators(text: str) -> tuple[tuple[Chosen, ...], frozenset[str], list[str]]:
    """Read `ema:20,!rsi:14`, each once: (all that can be drawn, keys of the hidden, a sentence on each that cannot)."""
    words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    chosen: dict[str, Chosen] = {}
    hidden: set[str] = set()
    left_out: list[str] = []
    for word in words[:MOST_INDICATORS]:
        try:
            one = parse_indicator(word.removeprefix(HIDDEN), repainting=True)
            chosen[one.key] = one
            if word.startswith(HIDDEN):
                hidden.add(one.key)
        except Refused as refusal:
            known = word.removeprefix(HIDDEN).partition(":")[0].lower() in CATALOG
            why = refusal.sentence if known else "There is no indicator of this name."  # the list of them is long
            left_out.append(f"“{word[:LONGEST_WORD]}” is left out. {why}")
    if len(words) > MOST_INDICATORS:
        extra = len(words) - MOST_INDICATORS
        left_out.append(f"A chart takes {MOST_INDICATORS} indicators at most; the last {extra} are left out.")
    return tuple(chosen.values()), frozenset(hidden), left_out


def moment(text: Any, *, now: datetime) -> int | None:
    """Milliseconds of a moment: themselves, `2021-03-01T12:00` in UTC, `now` or `now-7d`; None where none is given."""
    if text is None or text == "" or isinstance(text, bool):
        return None
    if isinstance(text, int | float):
        return int(text) if abs(text) < 8e15 else None
    if relative := RELATIVE.fullmatch(str(text)):
        back = int(relative[1]) * UNITS[relative[2]] if relative[1] else 0
        return to_ms(now) - back
    try:
        read_time = datetime.fromisoformat(str(text))
    except ValueError:
        raise Refused(f"“{text}” is no moment. Write 2021-03-01T12:00, or now-7d.") from None
    return to_ms(read_time if read_time.tzinfo else read_time.replace(tzinfo=UTC))


def place(session: Session, view: View) -> Place | None:
    """Where to look: the market that was named, else the best one there is, else None. Raises NotFound."""
    found = markets.get(session, view.market) if view.market else _first(session)
    if found is None:
        return None
    possible = tuple(market.candles.timeframes(session, found.id))
    if not possible:
        return None
    frame = view.timeframe if view.timeframe.name in possible else TIMEFRAMES[possible[0]]
    name = MarketName(found.exchange, found.symbol)
    return Place(found, name, markets.series_of(session, found.id), possible, frame)


def span(view: View, stands: Place) -> tuple[int | None, int | None, int]:
    """(start, end, most bars) to load: what is visible and a screen on either side of it."""
    step = stands.timeframe.ms
    start, end = view.start_ms, view.end_ms
    if start is None and end is None:
        return stands.end_ms - FIRST_BARS * step, None, FIRST_BARS + 1
    end = stands.end_ms if end is None else min(end, stands.end_ms + view.bars * step)
    start = end - view.bars * step if start is None else start
    size = max(end - start, step)
    return start - size, end + size, min(SCREENS * view.bars, MOST_BARS)


def _first(session: Session) -> Market | None:
    """Real before simulated, followed before still, BTC/USDT before others."""
    rows = [row for row in markets.table(session) if row.series]
    best = min(
        rows, key=lambda r: (r.simulated, not r.followed, r.symbol != "BTC/USDT", r.symbol, r.exchange), default=None
    )
    return markets.by_id(session, best.id) if best else None


def _market(text: Any) -> MarketName | None:
    exchange, slash, symbol = str(text or "").partition("/")
    return parse_path(exchange, symbol) if slash else None


def _whole(value: Any, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) < 1e12 else otherwise
