"""`scorecard`."""

import argparse
from typing import TYPE_CHECKING, Any

from core import market_name
from core.errors import Refused
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add

if TYPE_CHECKING:
    from db.queries.scorecards import Record
    from ml.scorecard import Side


def register(add: Add) -> None:
    shown = add("scorecard", scorecard, "Print how every model did on its settled calls, beside baselines.")
    shown.add_argument("--market", help="such as binance:BTC/USDT; all markets without it")
    shown.add_argument("--timeframe")
    shown.add_argument("--horizon", type=int, metavar="N", help="bars ahead")
    shown.add_argument("--simulated", action="store_true", help="those of simulated markets, which count for nothing")
    shown.add_argument("--csv", action="store_true", help="one line a version, market and kind of market")


def scorecard(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Drawn up from the ledger now, not read from what is kept: the calls are the truth."""
    import db.engine
    from core.clock import utc_now
    from db.queries import markets, scorecards
    from ml import score_table, scorekeeping

    if asked.csv and output.as_json:
        raise Refused("Choose --csv or --json, not both.")
    with attached(settings, output), db.engine.session() as session:
        scorekeeping.note_rules(session, now=utc_now())
        scorekeeping.refresh(session, scorecards.called(session))
        market_id = None
        if asked.market:
            market_id = markets.get(session, market_name.parse(asked.market)).id
        records = scorecards.records(
            session,
            simulated=asked.simulated,
            market_id=market_id,
            timeframe=asked.timeframe,
            horizon=asked.horizon,
        )
    if asked.csv:
        print(score_table.as_csv(records), end="")
        return 0
    document = [_document(record) for record in records]
    output.result(document, [line for record in records for line in _lines(record)] or [_nothing(asked.simulated)])
    return 0


def _document(record: "Record") -> dict[str, Any]:
    from ml.scorecard import Scorecard

    about = {
        "model": record.title,
        "market": f"{record.exchange}:{record.symbol}",
        "timeframe": record.timeframe,
        "horizon": record.horizon,
        "simulated": record.simulated,
        "never_settled": record.unsettled,
        "revised": record.revised.calls,
        "revised_otherwise": record.revised.otherwise,
    }
    return about | {"not_recorded": Scorecard.from_dict(record.card).not_recorded} | record.card


def _nothing(simulated: bool) -> str:
    return f"No call on a {'simulated' if simulated else 'real'} market has settled yet."


def _lines(record: "Record") -> list[str]:
    """A scorecard for a person: the finding, then the model and each rule in the same units."""
    from ml.power import TARGET
    from ml.scorecard import Scorecard

    card = Scorecard.from_dict(record.card)
    lines = [
        f"{record.title} in {record.exchange}:{record.symbol}{' (simulated)' if record.simulated else ''}",
        f"  {card.finding} {card.detail}",
        f"  {card.n:,} settled, {card.abstained:,} abstained, worth {card.n_eff:,.0f} independent calls, "
        f"{record.unsettled:,} never settled",
    ]
    if record.revised.calls:
        lines.append(
            f"  {record.revised.calls:,} of {card.n:,} settled calls rest on candles the exchange revised later; "
            f"{record.revised.otherwise:,} would have ended otherwise"
        )
    lines += [_line(side) for side in (card.model, *card.baselines)]
    lines += [f"  {key:<19} not recorded beside these calls: the version is from before" for key in card.not_recorded]
    for part in card.regimes:
        lines.append(f"  {part.key.capitalize()}: {part.n:,} settled, worth {part.n_eff:,.0f}. {part.note}".rstrip())
        lines += [f"  {_line(side)}" for side in (part.model, *part.baselines) if side is not None]
    needs, has = card.direction.needed, card.direction.n_eff
    lines.append(f"  Needs {needs:,} independent directional calls to confirm {TARGET:.0%}, has {has:,.0f}.")
    return lines


def _line(side: "Side") -> str:
    """One forecaster: scores with their intervals, or how many were right of too few."""
    hits = f"{side.right} of {side.n}"
    if side.hit_rate is not None:
        hits = _scored(side.hit_rate, side.interval, 100, 1) + " %"
    losses = f"log loss {side.log_loss:.4f}  Brier {_scored(side.brier, side.brier_interval, 1, 4)}"
    rest = ""
    if side.ece is not None and side.mcc is not None:
        rest = f"  ECE {_scored(side.ece, side.ece_interval, 1, 3)}  MCC {_scored(side.mcc, side.mcc_interval, 1, 3)}"
    return f"  {side.title:<19} right {hits:<22} {losses}{rest}"


def _scored(value: float, interval: list[float] | None, unit: int, places: int) -> str:
    edges = f" [{unit * interval[0]:.{places}f}, {unit * interval[1]:.{places}f}]" if interval else ""
    return f"{unit * value:.{places}f}{edges}"
