"""Second factors: secrets of authenticators, backup codes, passkeys. Everything here belongs to one account."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound
from core.roles import Role
from db.tables import BackupCode, Passkey, TotpSecret, User


def totp_on(session: Session, user_id: int) -> bool:
    """True where signing in with the password needs a code as well."""
    found = exists().where(TotpSecret.user_id == user_id, TotpSecret.confirmed_at.is_not(None))
    return bool(session.scalar(select(found)))


def lacks_totp(session: Session, user: User, *, asked: bool) -> bool:
    """True for an admin without codes where the desk asks admins for them (`asked`)."""
    return asked and user.role == Role.ADMIN and not totp_on(session, user.id)


def totp(session: Session, user_id: int) -> TotpSecret | None:
    """The secret of an account, locked until the transaction ends; confirmed or not."""
    return session.get(TotpSecret, user_id, with_for_update=True, populate_existing=True)


def offer_totp(session: Session, user_id: int, sealed: str, *, now: datetime) -> None:
    """Keep a secret that its holder has yet to confirm, instead of an earlier one; raises Conflict where one is on."""
    session.get(User, user_id, with_for_update=True)
    if totp_on(session, user_id):
        raise Conflict("Two-factor sign-in is on already. Turn it off first.")
    session.execute(delete(TotpSecret).where(TotpSecret.user_id == user_id))
    session.add(TotpSecret(user_id=user_id, sealed=sealed, created_at=now))
    session.flush()


def take_step(session: Session, user_id: int, step: int) -> bool:
    """Use up the code of a half-minute; False where it, or a later one, was used before."""
    newer = update(TotpSecret).where(TotpSecret.user_id == user_id, TotpSecret.last_step < step).values(last_step=step)
    return bool(session.execute(newer.returning(TotpSecret.user_id)).first())


def confirm_totp(session: Session, user_id: int, *, now: datetime) -> None:
    session.execute(update(TotpSecret).where(TotpSecret.user_id == user_id).values(confirmed_at=now))


def remove_totp(session: Session, user_id: int) -> None:
    """Take away the authenticator and its backup codes."""
    session.execute(delete(BackupCode).where(BackupCode.user_id == user_id))
    session.execute(delete(TotpSecret).where(TotpSecret.user_id == user_id))


def set_backup_codes(session: Session, user_id: int, hashes: Iterable[str]) -> None:
    """New codes; the old ones end."""
    session.execute(delete(BackupCode).where(BackupCode.user_id == user_id))
    session.add_all(BackupCode(user_id=user_id, code_hash=code) for code in hashes)
    session.flush()


def use_backup_code(session: Session, user_id: int, code_hash: str, *, now: datetime) -> bool:
    """Use up a code; False where it is none, or was used."""
    unused = (BackupCode.user_id == user_id, BackupCode.code_hash == code_hash, BackupCode.used_at.is_(None))
    used = update(BackupCode).where(*unused).values(used_at=now).returning(BackupCode.user_id)
    return bool(session.execute(used).first())


def codes_left(session: Session, user_id: int) -> int:
    unused = select(func.count()).where(BackupCode.user_id == user_id, BackupCode.used_at.is_(None))
    return session.scalar(unused) or 0


def passkeys(session: Session, user_id: int) -> list[Passkey]:
    """An account's passkeys, oldest first."""
    return list(session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)))


def passkey_of(session: Session, credential_id: bytes) -> Passkey | None:
    """The passkey with this credential, locked until the transaction ends."""
    return session.scalars(
        select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
    ).one_or_none()


def add_passkey(
    session: Session, user_id: int, *, credential_id: bytes, public_key: bytes, sign_count: int, name: str
) -> Passkey:
    """A new passkey; raises Conflict where the credential is known."""
    made = Passkey(
        user_id=user_id, credential_id=credential_id, public_key=public_key, sign_count=sign_count, name=name
    )
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError as fault:
        raise Conflict("This passkey is known already.") from fault
    return made


def remove_passkey(session: Session, user_id: int, passkey_id: int) -> str:
    """Take a passkey away; its name. Raises NotFound for anybody else's as for one that never was."""
    gone = delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id).returning(Passkey.name)
    name = session.scalar(gone)
    if name is None:
        raise NotFound("There is no such passkey.")
    return name
