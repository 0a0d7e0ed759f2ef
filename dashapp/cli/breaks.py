"""`breaks` and `decide-break`: series that most likely hold two coins under one name."""

import argparse
from typing import Any

from core import market_name
from core.clock import utc_now
from core.jobs import BACKFILL
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output
from dashapp.cli.register import Add

STATES = {
    "paused": "takes no new candles until you decide",
    "apart": "the older coin is left out",
    "joined": "taken for one coin",
}


def register(add: Add) -> None:
    add("breaks", breaks, "Series in which a long hole separates prices of another order.")
    decide = add("decide-break", decide_break, "Say whether a series that broke is one coin or two.")
    decide.add_argument("market", metavar="MARKET", help="such as binance:LUNA/USDT")
    decide.add_argument(
        "coins",
        choices=["same", "new"],
        help="same: it is one coin, the series goes on; new: the old candles get a market of their own",
    )


def breaks(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from db.queries import breaks as seen

    with attached(settings, output), db.engine.session() as session:
        rows: list[dict[str, Any]] = [
            {
                "market": f"{row.market.exchange}:{row.market.symbol}",
                "timeframe": row.found.timeframe,
                "old_last": row.found.old_last,
                "new_first": row.found.new_first,
                "old_close": row.found.old_close,
                "new_open": row.found.new_open,
                "state": row.found.state,
            }
            for row in seen.latest(session)
        ]
    lines = [
        f"{row['market']} {row['timeframe']}: {row['old_close']:g} until {row['old_last']:%Y-%m-%d}, "
        f"{row['new_open']:g} from {row['new_first']:%Y-%m-%d}; {STATES[row['state']]}"
        for row in rows
    ]
    output.result(rows, lines or ["No series has broken."])
    return 0


def decide_break(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """Raises NotFound for a market that is not stored or waits for nothing."""
    import db.engine
    from db.queries import audit, jobs, markets
    from db.queries import breaks as seen

    name = market_name.parse(asked.market)
    with attached(settings, output):
        with db.engine.session() as session:
            market = markets.get(session, name)
            kept, stopped = None, tuple[str, ...]()
            if asked.coins == "same":
                seen.join(session, market.id, now=utc_now())
                goes_on = market.id
            else:
                parted = seen.part(session, market.id, now=utc_now())
                goes_on, kept, stopped = parted.market.id, parted.kept, parted.stopped
            audit.record(
                session,
                actor_id=None,
                actor=audit.COMMAND_LINE,
                action="series_joined" if kept is None else "series_parted",
                object=str(name),
                detail={"kept_as": kept, "stopped": ", ".join(stopped)} if kept else None,
            )
        job = jobs.submit(
            BACKFILL, {"market_id": goes_on}, asked_by=audit.COMMAND_LINE, dedupe=f"{BACKFILL.name}:{goes_on}"
        )
    line = f"{name} goes on." if kept is None else f"{name} begins anew; the old candles are {kept} now."
    line += f" No longer calling it: {', '.join(stopped)}." if stopped else ""
    output.result(
        {"market": str(name), "coins": asked.coins, "kept_as": kept, "stopped": list(stopped), "job": job}, [line]
    )
    return 0
