"""The text of each letter. Plain text: nothing in it can act, and nothing in it needs a picture from elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LINE = 78  # characters of a subject at most


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str


NOT_YOU = "If this was not you, sign in, choose a new password and sign out everywhere:\n{base}/password"
MOVED_AWAY = (
    "If this was not you, somebody knew your password. Ask an admin of this desk to give the account back to you."
)


def _reset(d: Mapping[str, Any]) -> tuple[str, str]:
    return "Choose a new password", (
        f"Somebody, probably you, asked for a new password of {d['account']}.\n\n"
        f"Choose it here, within 24 hours; the link works once:\n{d['link']}\n\n"
        "If it was not you, do nothing: the old password goes on working."
    )


def _confirm_address(d: Mapping[str, Any]) -> tuple[str, str]:
    return "Confirm your new address", (
        f"The account {d['account']} is to use this address from now on.\n\n"
        f"Confirm it here, within 24 hours:\n{d['link']}\n\n"
        "If you know nothing of it, do nothing: the account keeps its old address."
    )


def _notice(subject: str, sentence: str, not_you: str = NOT_YOU) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    def write(d: Mapping[str, Any]) -> tuple[str, str]:
        where = f"\n\nWhen: {d['when']}" + (f"\nFrom: {d['ip']}" if d.get("ip") else "")
        return subject, sentence.format(**d) + where + "\n\n" + not_you.format(base=d["base"])

    return write


def _banned(d: Mapping[str, Any]) -> tuple[str, str]:
    return f"{d['exchange']} has banned this desk", (
        f"{d['exchange']} refuses every request from this desk until {d['until']}, because too many were made.\n\n"
        "Bolt asks it for nothing until then and goes on by itself; where another exchange lists a market, that one "
        "serves it meanwhile. If other programs at this address ask the same exchange, let them ask less.\n\n"
        f"How the sources answer:\n{d['base']}/data-quality"
    )


KINDS: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "reset": _reset,
    "confirm_address": _confirm_address,
    "password_changed": _notice("Your password was changed", "The password of {account} was changed."),
    "address_changed": _notice(
        "Your address was changed",
        "The account {account} now uses the address {new}. This is the last letter here.",
        MOVED_AWAY,
    ),
    "new_sign_in": _notice(
        "A new sign-in", "{account} was signed in to with {browser}, which has not been used before."
    ),
    "factor_on": _notice("Two-factor sign-in is on", "Signing in to {account} now needs a code of an authenticator."),
    "factor_off": _notice("Two-factor sign-in is off", "Signing in to {account} no longer needs a code."),
    "codes_made": _notice("New backup codes", "New backup codes were made for {account}; the old ones ended."),
    "code_used": _notice("A backup code was used", "{account} was signed in to with a backup code. {left} are left."),
    "passkey_added": _notice("A passkey was added", "The passkey {passkey} can now sign in to {account}."),
    "passkey_removed": _notice("A passkey was removed", "The passkey {passkey} no longer signs in to {account}."),
    "account_removed": _notice("Your account was deleted", "The account {account} and what belonged to it are gone."),
    "exchange_banned": _banned,
    "role_changed": _notice("Your role was changed", "{account} is now {role} on this desk."),
}
WITH_LINK = {"reset": "reset", "confirm_address": "confirm-address"}  # kind -> page the link opens
QUIETABLE = ("new_sign_in",)  # what a person may switch off; the rest tells of changes nobody should miss


def write(kind: str, details: Mapping[str, Any], *, base: str, link: str = "") -> Letter:
    """The letter of a kind; `base` is the desk's address. Raises KeyError for a kind there is not."""
    subject, text = KINDS[kind]({**_plain(details), "base": base.rstrip("/"), "link": link})
    return Letter(f"Bolt: {subject}"[:LINE], f"{text}\n\nBolt at {base}\n")


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing that a person typed may begin a line of its own."""
    return {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in details.items()}
