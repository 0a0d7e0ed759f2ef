"""Words that would like to be a script, a link or a template, in every column that holds text from outside.

From outside is what people type, what files hold, and what exchanges and CoinGecko say. A column that is added has to
be planted here, or named in `OURS` as text that Bolt writes itself.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import String, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core.clock import to_ms, utc_now
from core.drawing import Drawing
from core.jobs import IMPORT_FILE, TRAIN_MODEL, JobState
from core.market_name import parse
from core.roles import Role
from core.timeframe import parse as timeframe
from db.base import Base
from db.queries import (
    audit,
    candles,
    chart_state,
    coins,
    deliveries,
    factors,
    imports,
    invitations,
    jobs,
    listings,
    mails,
    markets,
    refusals,
    refused_rows,
    sources,
    tokens,
    uploads,
    user_sessions,
    users,
    watchlists,
)
from db.tables import StandIn, TrainedModel, User
from tests.candles import walk
from tests.ml import versions

IMAGE = "<img src=x onerror=XSS=1>"
LINK = '<a href="javascript:XSS=1">go</a>'
NASTY = f"{IMAGE}[x](javascript:XSS=1)</script><script>XSS=1</script>{{{{7*7}}}}{LINK}"
MARKET, OTHER = "binance:BTC/USDT", "kraken:BTC/USDT"
HOUR = timeframe("1h")
KEPT = "0123456789abcdef"

OURS = {  # names, hashes and states that Bolt writes; and addresses and symbols, which are checked before they are kept
    "audit_events": {"action", "result", "previous", "hash"},
    "coins": {"id"},
    "jobs": {"id", "name", "queue", "dedupe", "state"},
    "users": {"email", "password_hash", "role", "preferences"},
    "source_health": {"exchange", "state"},
    "markets": {"exchange", "symbol", "timeframes"},
    "listings": {"exchange"},
    "api_tokens": {"token_hash", "scopes"},
    "invitations": {"token_hash", "role"},
    "mails": {"kind", "state"},
    "imports": {"timeframe"},
    "refused_rows": {"timeframe", "source"},
    "candle_deliveries": {"timeframe", "source"},
    "chart_drawings": {"key", "kind", "points"},
    "watchlists": {"sort"},
    "user_sessions": {"sid", "ip"},
    "import_refusals": {"job_id"},
    "trained_models": {"state", "markets", "timeframe", "config", "manifest", "folder", "job_id", "card"},
}
NEVER_FROM_OUTSIDE = {
    "backup_codes",
    "call_rules",
    "candle_revisions",
    "candles",
    "coarse_candles",
    "desk_settings",
    "ended_sessions",
    "exchange_rates",
    "gaps",
    "idempotency_keys",
    "instance",
    "leak_reports",
    "leases",
    "ledger_heads",
    "model_reports",
    "outcome_revisions",
    "prediction_baselines",
    "prediction_outcomes",
    "predictions",
    "price_checks",
    "retraining",
    "revoked_tokens",
    "schedule_slots",
    "scorecards",
    "series",
    "series_breaks",
    "throttles",
    "token_families",
    "totp_secrets",
    "training_parts",
    "training_runs",
}


def plant(session: Session, owner_id: int, models: Path) -> None:
    """The words in every such column; the owner's name, the market and its candles are there to be looked at."""
    now, owner = utc_now(), users.get(session, owner_id)
    owner.display_name = NASTY[:80]
    _market(session, now, owner_id)
    _jobs(session, owner_id, now)
    _account(session, owner, now)
    _desk(session, now, models)
    session.commit()


def _market(session: Session, now: datetime, owner_id: int) -> None:
    market, other = (markets.get_or_create(session, parse(name), price_decimals=2) for name in (MARKET, OTHER))
    markets.set_followed(session, market.id, True)
    start = HOUR.last_closed(to_ms(now)) - 399 * HOUR.ms
    origin = deliveries.Origin("import", NASTY)
    candles.upsert(session, market.id, "1h", walk(400, start_ms=start), origin=origin)
    counts = dict.fromkeys(("stored", "unchanged", "duplicates", "refused", "gaps", "missing"), 1)
    report = {"refused_lines": [[3, NASTY]], "summary": NASTY}
    imports.record(
        session, market_id=market.id, timeframe="1h", user_id=owner_id, file_name=NASTY, report=report, counts=counts
    )
    refused_rows.add(session, "binance", "BTC/USDT", "1h", "request", {NASTY: 3}, now=now)
    session.add(StandIn(market_id=other.id, stand_in_id=market.id, reason=NASTY, automatic=True, since=now))
    listings.put(session, "binance", {f"{IMAGE}{LINK}/USDT": 2, "BTC/USDT": 2}, now=now)
    told = {"market_cap": 1e12, "rank": 1, "updated_at": now}
    coins.store(session, [{"id": "x", "symbol": "BTC", "name": NASTY, **told}])
    coins.store(session, [{"id": "y", "symbol": NASTY, "name": "y", **told}])
    drawing = Drawing(KEPT, "level", ((to_ms(now), 100.0),), 1, f"{IMAGE}{LINK}"[:80])
    chart_state.keep_drawing(session, owner_id, market.id, drawing)
    chart_state.keep_layout(session, owner_id, f"{IMAGE}{LINK}"[:40], {"ind": NASTY, "type": "candles"})
    chart_state.change_settings(session, owner_id, {"recent": [f"binance/{NASTY}", "binance/BTC-USDT"]})


def _jobs(session: Session, owner_id: int, now: datetime) -> None:
    for kind, state in ((TRAIN_MODEL, JobState.FAILED), (IMPORT_FILE, JobState.FAILED), (IMPORT_FILE, JobState.QUEUED)):
        args = {"symbol": NASTY, "markets": [NASTY], "file": NASTY}
        job = jobs.create(session, kind, args, owner_id=owner_id, asked_by=NASTY)
        job.state, job.progress, job.result = state, {"message": NASTY, "fraction": 0.5}, {"summary": NASTY}
        if state is JobState.FAILED:
            job.reason, job.finished_at = NASTY, now
        refusals.keep(session, job.id, [(3, NASTY)], user_id=owner_id, import_id=None, file_name=NASTY)


def _account(session: Session, owner: User, now: datetime) -> None:
    over = now.replace(year=2099)
    digest = "1" * 64
    tokens.add_personal(session, owner, name=NASTY[:80], token_hash=digest, scopes=["read"], now=now, expires_at=over)
    invitations.add(session, role=Role.VIEWER, email=f"{IMAGE}@example.org", invited_by=owner.id, now=now)
    watchlists.create_list(session, owner.id, IMAGE[:40])
    factors.add_passkey(session, owner.id, name=NASTY[:60], credential_id=b"c", public_key=b"k", sign_count=0)
    user_sessions.add(session, owner, "sid-x", ip="192.0.2.1", user_agent=NASTY, now=now, forget_at=over)
    mail = mails.put(session, owner, "passkey_added", now=now, address=f"{IMAGE}@example.org", passkey=NASTY)
    mail.fault = NASTY
    uploads.add(session, owner.id, file_name=NASTY, content=b"x")
    audit.record(
        session, actor_id=None, actor=NASTY, action="role_changed", object=NASTY, ip=NASTY, detail={"note": NASTY}
    )


def _desk(session: Session, now: datetime, models: Path) -> None:
    sources.record(session, "binance", "down", now=now, detail=NASTY)
    session.execute(text("UPDATE source_health SET last_error = :words"), {"words": NASTY})
    asked = versions.config(MARKET)
    made = versions.publish(session, models, versions.card(asked, versions.prepared(asked)), asked)
    named = {"name": NASTY[:80], "demoted_because": NASTY, "demoted_at": now}
    session.execute(update(TrainedModel).where(TrainedModel.id == made.id).values(named))


def unplanted(session: Session) -> list[str]:
    """Columns of text that neither hold the words nor are known to hold none from outside."""
    found = []
    for table in Base.metadata.sorted_tables:
        if table.name in NEVER_FROM_OUTSIDE:
            continue
        for column in table.c:
            if isinstance(column.type, String | JSONB) and column.name not in OURS.get(table.name, set()):
                values: list[Any] = list(session.scalars(select(column)))
                if not any("onerror=xss=1>" in str(value).lower() for value in values):
                    found.append(f"{table.name}.{column.name}")
    return found
