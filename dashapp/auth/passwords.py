"""Passwords: what is accepted, how they are hashed, how they are compared.

argon2id with the parameters of OWASP's password storage sheet. A hash takes 19 MiB and a core, so few run at once
(`turns`).
"""

import unicodedata
from functools import cache
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from core.errors import Forbidden, WeakPassword
from dashapp.auth.turns import turn

LONGEST = 1_024  # characters; longer input is refused before any work is spent on it
PHRASE = 15  # from this length on any mixture of characters will do
SHORTEST = 8
GUESSES = 10**8  # zxcvbn's estimate for 8 random characters; below it a password is guessable
ESTIMATED = 72  # zxcvbn looks at so many characters

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_estimate = Lock()  # zxcvbn keeps the user's words in a global


class WrongPassword(Forbidden):
    """Somebody signed in did not know the password of the account, where it is asked for once more."""

    code = "reauth_required"
    title = "Your current password is needed"

    def __init__(self) -> None:
        super().__init__("That is not your current password.")


def normal(password: str) -> str:
    """One spelling for characters that look the same, so that any keyboard gives the same bytes."""
    return unicodedata.normalize("NFC", password)


def check(password: str, *, words: tuple[str, ...] = ()) -> None:
    """Raise WeakPassword unless the rules hold; `words` are things an attacker would try first."""
    if len(password) > LONGEST:
        raise WeakPassword(f"That is longer than {LONGEST:,} characters. Choose a shorter one.")
    password = normal(password)
    mixed = any(c.isupper() for c in password) and any(c.islower() for c in password)
    mixed = mixed and any(c.isdigit() for c in password)
    if len(password) < SHORTEST or (len(password) < PHRASE and not mixed):
        raise WeakPassword(
            f"Use at least {SHORTEST} characters with upper case, lower case and a digit, "
            f"or any phrase of {PHRASE} characters or more."
        )
    if _guesses(password, words) < GUESSES:
        raise WeakPassword("That can be guessed quickly. Add some words that do not belong together.")


def _guesses(password: str, words: tuple[str, ...]) -> int:
    from zxcvbn import zxcvbn  # its word lists take memory that a web process needs only here

    parts = [part for word in words for part in (word, *word.replace("@", ".").split(".")) if part]
    with _estimate:
        return int(zxcvbn(password[:ESTIMATED], user_inputs=["bolt", *parts])["guesses"])


def make_hash(password: str) -> str:
    """The argon2id hash to store."""
    with turn():
        return _hasher.hash(normal(password))


@cache
def _dummy() -> str:
    return make_hash("nobody has this password")


def matches(stored: str | None, password: str) -> bool:
    """True where the password belongs to the hash; without one the same work is done, and the answer is False."""
    if len(password) > LONGEST:
        return False
    reference = stored or _dummy()
    with turn():
        try:
            _hasher.verify(reference, normal(password))
        except (VerifyMismatchError, InvalidHashError):
            return False
    return stored is not None


def outdated(stored: str) -> bool:
    """True where a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)
