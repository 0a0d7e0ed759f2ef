"""Scorecards as flat rows: one for a version in a market, one for each kind of market; and CSV made of them."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Protocol

from core.clock import from_ms
from core.spreadsheet import tame
from ml.scorecard import ENOUGH, Scorecard, Side, Slice

ALL = "all"
ABOUT = ("model", "version", "market", "timeframe", "horizon", "simulated")
RULES = ("climatology", "majority", "persistence", "momentum")


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
    @property
    def unsettled(self) -> int: ...


def rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Plain values in the order of the columns. Scores stay empty below 100 settled calls, and `note` says so."""
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
        found.append(about | _whole(card, record.unsettled))
        found += [about | _slice(part, found[0]) for part in card.regimes]
    return found


def _whole(card: Scorecard, unsettled: int) -> dict[str, Any]:
    enough = card.n >= ENOUGH
    low, high = _edges(card.skill_interval if enough else None)
    return {
        "regime": ALL,
        "settled": card.n,
        "abstained": card.abstained,
        "never_settled": unsettled,
        "independent": round(card.n_eff, 1),
        "right": card.model.right,
        **_scores(card.model, enough),
        "best_rule_hit_rate": card.best if enough else None,
        "log_loss": card.model.log_loss,
        "base_log_loss": card.baseline("climatology").log_loss,
        "brier_skill": card.skill if enough else None,
        "brier_skill_low": low,
        "brier_skill_high": high,
        **_rules(card.baselines, enough),
        "conformal_coverage": card.coverage.rate if card.coverage else None,
        "evidence": card.level,
        "directional_independent": round(card.direction.n_eff, 1),
        "directional_needed": card.direction.needed,
        "first": f"{from_ms(card.first_ms):%Y-%m-%dT%H:%M:%SZ}",
        "last": f"{from_ms(card.last_ms):%Y-%m-%dT%H:%M:%SZ}",
        "note": card.note,
    }


def _slice(part: Slice, whole: dict[str, Any]) -> dict[str, Any]:
    enough = part.n >= ENOUGH
    told = {
        "regime": part.key,
        "settled": part.n,
        "abstained": part.abstained,
        "independent": round(part.n_eff, 1),
        "right": part.right,
        **_scores(part.model, enough),
        "best_rule_hit_rate": part.best if enough else None,
        "log_loss": part.log_loss,
        "base_log_loss": part.base_log_loss,
        **_rules(part.baselines, enough),
        "note": part.note,
    }
    return {name: told.get(name) for name in whole if name not in ABOUT}


def _rules(baselines: list[Side], enough: bool) -> dict[str, Any]:
    """Every rule's scores on the same rows, under its own name."""
    sides = {side.key: side for side in baselines}
    found: dict[str, Any] = {}
    for key in RULES:
        side = sides.get(key)
        found[f"{key}_log_loss"] = side.log_loss if side else None
        found |= {f"{key}_{name}": value for name, value in _scores(side, enough).items()}
    return found


def _scores(side: Side | None, enough: bool) -> dict[str, Any]:
    """Hit rate, Brier, ECE and MCC, each with its interval; empty where there is no side or too few calls."""
    found: dict[str, Any] = {}
    edges = {"hit_rate": "interval", "brier": "brier_interval", "ece": "ece_interval", "mcc": "mcc_interval"}
    for name, interval in edges.items():
        found[name] = getattr(side, name) if side and enough else None
        found[f"{name}_low"], found[f"{name}_high"] = _edges(getattr(side, interval) if side and enough else None)
    return found


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
