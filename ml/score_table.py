"""Scorecards as flat rows: one for a version in a market, one for each kind of market; and CSV made of them."""

from collections.abc import Iterable
from typing import Any, Protocol

from core.clock import from_ms
from core.spreadsheet import line
from ml.scorecard import ENOUGH, MODELS, RULES, Scorecard, Side, Slice

ALL = "all"
ABOUT = ("model", "version", "market", "timeframe", "horizon", "simulated")


class Counted(Protocol):
    """Settled calls that rest on revised candles, and how many of them would have ended otherwise."""

    @property
    def calls(self) -> int: ...
    @property
    def otherwise(self) -> int: ...


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
    @property
    def revised(self) -> Counted: ...


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
        whole = about | _whole(card, record)
        found += [whole, *(about | _slice(part, whole) for part in card.regimes)]
    return found


def _whole(card: Scorecard, record: Record) -> dict[str, Any]:
    enough = card.n >= ENOUGH
    low, high = _edges(card.skill_interval if enough else None)
    return {
        "regime": ALL,
        "settled": card.n,
        "abstained": card.abstained,
        "never_settled": record.unsettled,
        "revised": record.revised.calls,
        "revised_otherwise": record.revised.otherwise,
        "independent": round(card.n_eff, 1),
        "right": card.model.right,
        **_scores(card.model, enough),
        "best_rule_hit_rate": card.best if enough else None,
        "log_loss": card.model.log_loss,
        "base_log_loss": card.baseline("climatology").log_loss,
        "brier_skill": card.skill if enough else None,
        "brier_skill_low": low,
        "brier_skill_high": high,
        **_beside(card.baselines, enough),
        "not_recorded": " ".join(card.not_recorded),
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
        **_beside(part.baselines, enough),
        "not_recorded": whole["not_recorded"],
        "note": part.note,
    }
    return {name: told.get(name) for name in whole if name not in ABOUT}


def _beside(baselines: list[Side], enough: bool) -> dict[str, Any]:
    """Every baseline's scores on the same rows, under its own name; empty where nothing is recorded of it."""
    sides = {side.key: side for side in baselines}
    found: dict[str, Any] = {}
    for key in (*RULES, *MODELS):
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
    """The rows with a head, as a spreadsheet may have them."""
    found = rows(records)
    return "".join(line(row) for row in [list(found[0]), *(row.values() for row in found)]) if found else ""
