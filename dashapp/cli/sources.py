"""`follow`, `unfollow`, `markets`, `sources`, `gaps`: what is fetched from whom, and what is missing."""

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core import market_name, timeframe
from core.clock import from_ms, utc_now
from core.errors import Refused
from core.jobs import BACKFILL
from core.market_name import MarketName
from core.settings import Settings
from dashapp.cli.attach import attached
from dashapp.cli.output import Output, columns
from dashapp.cli.register import Add

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DEMO = "demo"
SHOWN = 50  # holes that are printed; --json has all


def register(add: Add) -> None:
    start = add("follow", follow, "Fetch the candles of markets: those of the past once, new ones every minute.")
    start.add_argument("--timeframes", metavar="LIST", help="such as 1m,1h; without it 1m, 5m and 1h")
    stop = add("unfollow", unfollow, "Fetch no more candles of markets; what is stored stays.")
    for command in (start, stop):
        command.add_argument("markets", nargs="+", metavar="MARKET", help="such as binance:BTC/USDT")
    listed = add("markets", markets, "The markets there are, and what is stored of them.")
    listed.add_argument("text", nargs="?", default="", help="letters of the name, such as btc")
    listed.add_argument("--followed", action="store_true", help="only those that are fetched")
    add("sources", sources, "How exchanges answer: state, breaker, used weight, last error.")
    holes = add("gaps", gaps, "The candles that are missing inside a stored series.")
    holes.add_argument("market", metavar="MARKET", help="such as binance:BTC/USDT")
    holes.add_argument("--timeframe", default="1h", help="1m 5m 15m 1h 4h 1d 1w")


# Following


def follow(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """All of the markets or none. It ends once the wish is written down; workers do the rest."""
    names = _names(asked.markets)
    wanted = _timeframes(asked.timeframes)
    with attached(settings, output) as found:
        from db.queries import jobs

        recorded = _record(names, wanted, settings)
        for row in recorded:
            market_id = row["market_id"]
            row["job"] = jobs.submit(
                BACKFILL,
                {"market_id": market_id},
                asked_by="command line",
                dedupe=f"{BACKFILL.name}:{market_id}",
            )
        later = [] if found.roles else ["Bolt does not run here: the candles are fetched once it is started."]
    lines = [f"Following {row['market']} ({', '.join(row['timeframes'])}); job {row['job']}" for row in recorded]
    output.result({"followed": recorded}, [*lines, *later])
    return 0


def _record(names: list[MarketName], wanted: list[str] | None, settings: Settings) -> list[dict[str, Any]]:
    """Write the wishes down in one transaction."""
    import db.engine
    from db.queries import audit, instance
    from db.queries import markets as stored

    with db.engine.session() as session:
        demo = [DEMO] if instance.get(session).demo_enabled else []
        for name in names:
            _check_exchange(name, [*settings.exchanges, *demo])
        rows = []
        for name in names:
            market = stored.get_or_create(session, name, simulated=name.exchange == DEMO)
            stored.set_followed(session, market.id, True)
            if wanted:
                stored.set_timeframes(session, market.id, wanted)
            fetched = list(stored.timeframes_of(market))
            rows.append({"market": str(name), "market_id": market.id, "timeframes": fetched})
        for name in names:
            audit.record(session, actor_id=None, actor=audit.COMMAND_LINE, action="market_followed", object=str(name))
    return rows


def unfollow(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    """All of the markets or none; raises NotFound for one that is not stored."""
    import db.engine
    from db.queries import audit
    from db.queries import markets as stored

    names = _names(asked.markets)
    with attached(settings, output), db.engine.session() as session:
        for name in names:
            stored.set_followed(session, stored.get(session, name).id, False)
        for name in names:
            audit.record(session, actor_id=None, actor=audit.COMMAND_LINE, action="market_unfollowed", object=str(name))
    lines = [f"{name} is no longer followed; its candles stay." for name in names]
    output.result({"unfollowed": [str(name) for name in names]}, lines)
    return 0


def _names(texts: Sequence[str]) -> list[MarketName]:
    """Each market once, in the order given; raises Refused for one that cannot be read."""
    return list(dict.fromkeys(market_name.parse(text) for text in texts))


def _timeframes(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise Refused("--timeframes needs names, such as 1m,1h.")
    return [timeframe.parse(name).name for name in names]


def _check_exchange(name: MarketName, known: list[str]) -> None:
    if name.exchange not in known:
        raise Refused(
            f"Bolt asks {', '.join(known) or 'no exchange'} for candles, not {name.exchange}. "
            "Set EXCHANGES to change that."
        )


# Looking


def markets(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from db.queries import markets as stored
    from db.queries import sources as health

    with attached(settings, output), db.engine.session() as session:
        found = stored.search(session, asked.text, limit=1_000) if asked.text else stored.table(session)
        serving = {one.stand_in_id: str(one.own) for one in health.stand_ins(session).values()}
    rows = [_market(row, serving.get(row.id)) for row in found if row.followed or not asked.followed]
    lines = columns([{**row, "series": _series(row["series"])} for row in rows])
    output.result(rows, lines or ["No market is here yet. Follow one: python -m dashapp follow binance:BTC/USDT"])
    return 0


def _market(row: Any, stands_in_for: str | None) -> dict[str, Any]:
    series = {
        name: {
            "candles": one.rows,
            "first": from_ms(one.first_ms).isoformat(),
            "last": from_ms(one.last_ms).isoformat(),
            "gaps": one.gaps,
            "missing": one.missing,
        }
        for name, one in row.series.items()
    }
    return {
        "market": str(row.name),
        "followed": row.followed,
        "simulated": row.simulated,
        "stands_in_for": stands_in_for,
        "series": series,
    }


def _series(series: dict[str, dict[str, Any]]) -> str:
    return ", ".join(f"{name} {one['candles']:,} to {one['last'][:16]}" for name, one in series.items()) or "-"


def sources(_asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine

    with attached(settings, output), db.engine.session() as session:
        rows = _sources(session, settings.exchanges, now=utc_now())
    output.result(rows, columns([_short(row) for row in rows]))
    return 0


def _sources(session: "Session", exchanges: tuple[str, ...], *, now: datetime) -> list[dict[str, Any]]:
    """Those that are configured, in order, then others that were asked."""
    from core import clock_offsets, job_queue
    from core.breaker import Breaker
    from core.shared import SharedNumbers
    from core.throttle import weight
    from db.queries import sources as health

    known = {row.exchange: row for row in health.all_of_them(session)}
    served = [one.own.exchange for one in health.stand_ins(session).values()]
    shared = SharedNumbers(job_queue.redis())
    clocks, rows = clock_offsets.read(shared), []
    for name in dict.fromkeys([*exchanges, *known]):
        row = known.get(name)
        breaker, opens_in = Breaker(shared, name).state()
        used = weight(shared, name)
        wait = row.wait_until if row and row.wait_until and row.wait_until > now else None
        rows.append(
            {
                "source": name,
                "state": row.state if row else "not asked yet",
                "since": row.since if row else None,
                "breaker": breaker,
                "breaker_opens_in_seconds": round(opens_in, 1),
                "used_weight": round(used.used, 1) if used else 0.0,
                "weight_limit": round(used.limit, 1) if used else None,
                "weight_told": used.told if used else None,
                "wait_until": wait,
                "latency_ms": round(row.latency_ms, 1) if row and row.latency_ms is not None else None,
                "clock_offset_seconds": clocks.get(name),
                "clock_wrong": clock_offsets.is_wrong(clocks.get(name)),
                "answered_at": row.answered_at if row else None,
                "last_error": row.last_error if row else None,
                "last_error_at": row.last_error_at if row else None,
                "served_by_others": served.count(name),
            }
        )
    return rows


def _short(row: dict[str, Any]) -> dict[str, str]:
    """One line of the table."""
    limit = f" of {row['weight_limit']:g}" if row["weight_limit"] else ""
    at = f"{row['last_error_at']:%Y-%m-%d %H:%M} " if row["last_error_at"] else ""
    return {
        "source": row["source"],
        "state": row["state"],
        "breaker": row["breaker"],
        "used weight": f"{row['used_weight']:g}{limit}",
        "clock here": _clock(row),
        "wait until": f"{row['wait_until']:%Y-%m-%d %H:%M:%S}" if row["wait_until"] else "-",
        "last error": f"{at}{row['last_error']}" if row["last_error"] else "-",
    }


def _clock(row: dict[str, Any]) -> str:
    """Beside the exchange's: an exchange that is ahead of us sees our clock behind."""
    offset = row["clock_offset_seconds"]
    if offset is None:
        return "-"
    return f"{abs(offset):.0f} s {'behind' if offset > 0 else 'ahead'}" if row["clock_wrong"] else "right"


def gaps(asked: argparse.Namespace, settings: Settings, output: Output) -> int:
    import db.engine
    from db.queries import markets as stored

    name, frame = market_name.parse(asked.market), timeframe.parse(asked.timeframe)
    with attached(settings, output), db.engine.session() as session:
        found = _gaps(session, stored.get(session, name).id, frame)
    missing = sum(gap["count"] for gap in found)
    document = {"market": str(name), "timeframe": frame.name, "missing": missing, "gaps": found}
    lines = [
        f"{gap['first_missing']:%Y-%m-%d %H:%M} UTC  {gap['count']:,} missing  {gap['state']}" for gap in found[-SHOWN:]
    ]
    if len(found) > SHOWN:
        lines.insert(0, f"{len(found) - SHOWN} older ones are left out; --json has all.")
    output.result(document, lines or [f"No candle is missing inside the {frame} series of {name}."])
    return 0


def _gaps(session: "Session", market_id: int, frame: timeframe.Timeframe) -> list[dict[str, Any]]:
    """The holes there are now, oldest first, with what was written down about each."""
    from db.queries import gaps as noted

    known = {gap.first_missing: gap for gap in noted.of_series(session, market_id, frame.name)}
    step = timedelta(milliseconds=frame.ms)
    rows = []
    for first, count in noted.holes(session, market_id, frame).items():
        gap = known.get(first)
        same = gap is not None and gap.count == count and gap.state != "filled"
        rows.append(
            {
                "first_missing": first,
                "last_missing": first + (count - 1) * step,
                "count": count,
                "state": gap.state if gap is not None and same else "not asked again yet",
                "answers": gap.answers if gap is not None and same else 0,
            }
        )
    return rows
