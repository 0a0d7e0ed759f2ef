"""Candles from files that were handed in on the page."""

from sqlalchemy.orm import Session

from core.clock import utc_now
from core.errors import BadCandles, Refused
from core.market_name import make as make_name
from db.queries import refusals, uploads
from market import history_files
from workers.context import JobContext

SHOWN_LINES = 50  # refused rows named in the reason of a failed import


def import_file(
    context: JobContext,
    upload_id: int,
    exchange: str,
    symbol: str,
    timeframe: str,
    skip_bad: bool = False,
    one_coin: bool = False,
) -> None:
    """Import a file that was handed in on the page, then forget the file."""
    name = make_name(exchange, symbol)
    with context.session() as session:
        upload = uploads.get(session, upload_id)
        file_name, content = upload.file_name, upload.content

    def progress(fraction: float, message: str) -> None:
        context.check_cancelled()
        context.progress(fraction, message)

    try:
        with context.session() as session:
            report = history_files.import_file(
                session,
                content,
                name,
                timeframe,
                file_name=file_name,
                skip_bad=skip_bad,
                one_coin=one_coin,
                now=utc_now(),
                user_id=context.owner_id,
                progress=progress,
            )
    except Refused as refusal:
        with context.session() as session:
            uploads.remove(session, upload_id)
            if isinstance(refusal, BadCandles):
                _keep(context, session, file_name, refusal.lines)
        if isinstance(refusal, BadCandles):
            raise BadCandles(_with_lines(refusal), refusal.lines) from refusal
        raise
    result = {
        "summary": report.summary,
        "market_id": report.market_id,
        "refused": report.refused_lines[:SHOWN_LINES],
        "replaced": report.replaced_lines[:SHOWN_LINES],
    }
    with context.publish(result) as session:
        uploads.remove(session, upload_id)
        _keep(context, session, file_name, report.refused_lines, import_id=report.import_id)


def _keep(
    context: JobContext,
    session: Session,
    file_name: str,
    lines: list[tuple[int, str]],
    *,
    import_id: int | None = None,
) -> None:
    """Every refused line, for whoever handed the file in."""
    who = context.owner_id
    if lines and who is not None:
        refusals.keep(session, context.job_id, lines, user_id=who, import_id=import_id, file_name=file_name)


def _with_lines(refusal: BadCandles) -> str:
    """The sentence, then each refused line with its reason."""
    named = [f"line {line}: {reason}" for line, reason in refusal.lines[:SHOWN_LINES]]
    if len(refusal.lines) > SHOWN_LINES:
        named.append(f"and {len(refusal.lines) - SHOWN_LINES} more")
    return "\n".join([refusal.sentence, *named])
