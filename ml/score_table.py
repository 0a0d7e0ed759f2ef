"""Scorecards as flat rows: one for a version in a market, one for each kind of market; and CSV made of them."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Protocol

from core.clock import from_ms
from core.spreadsheet import tame
from ml.scorecard import ENOUGH, Scorecard, Side, Slice

ALL = "all"


class Record(Protocol):
    """What a row needs beside the card; `db.queries.scorecards.Record` is one."""

    @property
    def model(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def exchange(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def timeframe(self) -> str: ...
    @property
    def horizon(self) -> int: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def card(self) -> dict[str, Any]: ...


def rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Plain values in the order of the columns. Rates stay empty below 100 settled calls: the counts say enough."""
    found = []
    for record in records:
        card = Scorecard.from_dict(record.card)
        about = {
            "model": record.model,
            "version": record.version,
            "market": f"{record.exchange}:{record.symbol}",
            "timeframe": record.timeframe,
            "horizon": record.horizon,
            "simulated": record.simulated,
        }
        found.append(about | _whole(card))
        found += [about | _slice(part, card) for part in card.regimes]
    return found


def _whole(card: Scorecard) -> dict[str, Any]:
    model, enough = card.model, card.n >= ENOUGH
    low, high = _edges(model.interval) if enough else (None, None)
    made = {
        "regime": ALL,
        "settled": card.n,
        "abstained": card.abstained,
        "independent": round(card.n_eff, 1),
        "right": model.right,
        "hit_rate": model.hit_rate if enough else None,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "best_rule_hit_rate": card.best if enough else None,
        "log_loss": model.log_loss,
        "base_log_loss": card.baseline("climatology").log_loss,
        "brier": model.brier,
        "brier_skill": card.skill if enough else None,
        "brier_skill_low": card.skill_interval[0] if enough else None,
        "brier_skill_high": card.skill_interval[1] if enough else None,
        "ece": card.ece if enough else None,
        "mcc": model.mcc if enough else None,
        "mcc_low": card.mcc_interval[0] if enough else None,
        "mcc_high": card.mcc_interval[1] if enough else None,
    }
    for key in ("majority", "persistence", "momentum"):
        side: Side | None = next((b for b in card.baselines if b.key == key), None)
        made |= {f"{key}_log_loss": side.log_loss if side else None}
    return made | {
        "conformal_coverage": card.coverage.rate if card.coverage else None,
        "evidence": card.level,
        "directional_independent": round(card.direction.n_eff, 1),
        "directional_needed": card.direction.needed,
        "first": f"{from_ms(card.first_ms):%Y-%m-%dT%H:%M:%SZ}",
        "last": f"{from_ms(card.last_ms):%Y-%m-%dT%H:%M:%SZ}",
    }


def _slice(part: Slice, card: Scorecard) -> dict[str, Any]:
    enough = part.n >= ENOUGH
    low, high = _edges(part.interval) if enough else (None, None)
    told = {
        "regime": part.key,
        "settled": part.n,
        "right": part.right,
        "hit_rate": part.hit_rate if enough else None,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "best_rule_hit_rate": part.best if enough else None,
        "log_loss": part.log_loss,
        "base_log_loss": part.base_log_loss,
    }
    return {name: told.get(name) for name in _whole(card)}


def _edges(interval: list[float] | None) -> tuple[float | None, float | None]:
    return (interval[0], interval[1]) if interval else (None, None)


def as_csv(records: Iterable[Record]) -> str:
    """The rows with a head; text that a spreadsheet would take for a formula is tamed."""
    found = rows(records)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    if found:
        lines.writerow(found[0])
        lines.writerows([_cell(value) for value in row.values()] for row in found)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Floats in full, nothing for None, and an apostrophe before a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return tame(value)
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else value
