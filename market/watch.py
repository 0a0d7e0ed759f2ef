"""The figures of every market of a watch-list, from what is stored and the last ticks: four queries for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from core.timeframe import TIMEFRAMES
from db.queries import watch_figures
from db.queries.watch_figures import Wanted
from db.tables import Market
from market import summary
from market.summary import DAY_MS, WEEK_MS, Line, Point, Span, Summary

NOTHING = (np.array([], dtype=np.int64), np.array([]), np.array([]))


@dataclass(frozen=True, slots=True)
class Watched:
    """A market with its figures; None where nothing of it is stored. `timeframe` is where the last price comes from.

    `shown` is whose figures these are: the market itself, or who stands in for it while its exchange is silent.
    """

    market: Market
    shown: Market
    timeframe: str
    figures: Summary | None


def read(
    session: Session,
    market_ids: Sequence[int],
    *,
    now_ms: int,
    ticks: Mapping[str, Point] | None = None,
    serving: Mapping[int, int] | None = None,
) -> list[Watched]:
    """Figures in the order of `market_ids`; `ticks` are last prices by `exchange:symbol`. Unknown ids are left out.

    `serving` is {market id: id of its stand-in}: one that has candles is shown in the market's place. All of a row are
    figures of one market: the series of two are never mixed.
    """
    others = {key: other for key, other in (serving or {}).items() if key in market_ids}
    markets = watch_figures.markets_of(session, [*market_ids, *others.values()])
    stored = watch_figures.spans(session, list(markets))
    chosen = {key: summary.choose_timeframes(spans) for key, spans in stored.items()}
    newest = _newest(session, chosen, stored)
    last = {key: summary.newest_of(point, _tick(markets[key], ticks or {})) for key, point in newest.items()}
    past = _past(session, stored, last)
    starts = {key: (chosen[key][1], point.at_ms - WEEK_MS - DAY_MS) for key, point in last.items()}
    lines = watch_figures.lines(session, starts)
    found = []
    for own in dict.fromkeys(key for key in market_ids if key in markets):
        key = others.get(own, own) if others.get(own) in last else own
        if key not in last:
            found.append(Watched(markets[own], markets[own], "", None))
            continue
        fine, coarse = chosen[key]
        line = Line(TIMEFRAMES[coarse].ms, *lines.get(key, NOTHING))
        figures = summary.summarise(last[key], past[key], line, step_ms=TIMEFRAMES[fine].ms, now_ms=now_ms)
        found.append(Watched(markets[own], markets[key], fine, figures))
    return found


def _tick(market: Market, ticks: Mapping[str, Point]) -> Point | None:
    return ticks.get(f"{market.exchange}:{market.symbol}")


def _newest(
    session: Session, chosen: Mapping[int, tuple[str, str]], stored: Mapping[int, Mapping[str, Span]]
) -> dict[int, Point]:
    """The newest closed candle of every market."""
    wanted = []
    for key, (fine, _) in chosen.items():
        at = stored[key][fine][1] - TIMEFRAMES[fine].ms
        wanted.append(Wanted(key, fine, at, at))
    found = zip(chosen.items(), watch_figures.closes(session, wanted), strict=True)
    return {key: Point(row[0] + TIMEFRAMES[fine].ms, row[1]) for (key, (fine, _)), row in found if row is not None}


def _past(
    session: Session, stored: Mapping[int, Mapping[str, Span]], last: Mapping[int, Point]
) -> dict[int, dict[str, float | None]]:
    """The closes the changes start from, by market and window."""
    keys, wanted = [], []
    for key, point in last.items():
        for name, (latest, earliest) in summary.look_back(point.at_ms).items():
            timeframe = summary.covering(stored[key], latest, earliest)
            if timeframe is None:
                continue
            step = TIMEFRAMES[timeframe].ms
            keys.append((key, name))
            wanted.append(Wanted(key, timeframe, latest - step, earliest - step))
    found: dict[int, dict[str, float | None]] = {key: {} for key in last}
    for (key, name), row in zip(keys, watch_figures.closes(session, wanted), strict=True):
        found[key][name] = None if row is None else row[1]
    return found
