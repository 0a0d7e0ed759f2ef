"""Sending what waits in the outbox.

Each letter is taken, sent and marked in three steps, the slow one outside any transaction. Who dies between sending
and marking sends it a second time, under the same number.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

import db.engine
from alerts import letters
from alerts.transports.email import Refusal, Transport
from core import email_links, reset_links
from core.clock import utc_now
from core.errors import NotFound, Unavailable
from core.settings import Settings
from db.queries import mails, users
from db.queries.mails import Taken

BATCH = 10  # letters taken at once, so that their time is not over before the last is sent

log = logging.getLogger("bolt.mail")


def send_due(settings: Settings, transport: Transport) -> int:
    """Send every letter that is due; how many went out. A server that does not answer ends the run."""
    count = 0
    while True:
        with db.engine.session() as session:
            taken = mails.take(session, now=utc_now(), limit=BATCH)
        for mail in taken:
            count += _send(mail, settings, transport)
        if len(taken) < BATCH:
            return count


def _send(mail: Taken, settings: Settings, transport: Transport) -> bool:
    try:
        with db.engine.session() as session:
            letter = _write(session, mail, settings, utc_now())
        transport.send(mail.address, letter, number=mail.id)
    except (NotFound, Refusal) as fault:
        with db.engine.session() as session:
            mails.drop(session, mail.id, str(fault))
        log.warning("mail_dead", extra={"mail": mail.id, "kind": mail.kind, "fault": str(fault)})
        return False
    except Unavailable as fault:
        with db.engine.session() as session:
            state = mails.failed(session, mail, fault.sentence, now=utc_now())
        log.warning("mail_failed", extra={"mail": mail.id, "kind": mail.kind, "state": state, "fault": fault.sentence})
        return False
    with db.engine.session() as session:
        mails.sent(session, mail.id, now=utc_now())
    log.info("mail_sent", extra={"mail": mail.id, "kind": mail.kind})
    return True


def _write(session: Session, mail: Taken, settings: Settings, now: datetime) -> letters.Letter:
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    page = letters.WITH_LINK.get(mail.kind)
    token = _token(session, mail, settings.secret_key, now) if page else ""
    return letters.write(mail.kind, mail.details, base=base, link=f"{base.rstrip('/')}/{page}?token={token}")


def _token(session: Session, mail: Taken, secret_key: str, now: datetime) -> str:
    """What the link carries; raises NotFound where the account is gone or the letter is older than its link may be."""
    if mail.user_id is None:
        raise NotFound("The account is gone.")
    if now - mail.created_at > timedelta(hours=24):
        raise NotFound("The letter is too old to be of use.")
    user = users.get(session, mail.user_id)
    if mail.kind == "confirm_address":
        return email_links.make(secret_key, user.id, user.session_version, mail.details["new"], now=now)
    return reset_links.make(secret_key, user.id, user.session_version, now=now)
