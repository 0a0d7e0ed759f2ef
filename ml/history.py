"""What became of a version since it was trained: promotions, demotions, verdicts, rebuilds, with date and reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.clock import from_ms
from ml.card import SKILLED
from ml.card_parts import Change

CHANGED, DEMOTED, REBUILT = "champion_changed", "champion_demoted", "model_rebuilt"  # of the audit log
REBUILDS = {
    "same": "exactly the same came out",
    "changed": "its candles were corrected since, so it is not the same",
    "different": "something else came out",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the audit log about some version of a family; `object` is its title."""

    at: datetime
    action: str
    object: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """`what` in a word or two, `why` in a sentence without its full stop, empty where nobody said."""

    at: datetime
    what: str
    why: str = ""


def of(name: str, version: int, card: dict[str, Any], trained_at: datetime, told: Sequence[Told]) -> list[Event]:
    """Newest first. `told`: promotions, demotions and rebuilds of the whole family `name`."""
    quick = card.get("quick_look", True)
    found = [Event(trained_at, "Trained", "a quick look, which is never promoted" if quick else "a walk-forward")]
    found += [_verdict(Change.from_dict(change)) for change in card.get("history", [])]
    found += [event for one in told if (event := _event(name, version, one)) is not None]
    return sorted(found, key=lambda event: event.at, reverse=True)


def _verdict(change: Change) -> Event:
    claimed = "skilled" if change.after == SKILLED else "no demonstrated skill"
    return Event(from_ms(change.at_ms), f"Verdict changed to {claimed}", change.reason)


def _event(name: str, version: int, told: Told) -> Event | None:
    """What an entry means for this version; None where it concerns other ones."""
    detail = told.detail
    if told.object != f"{name} v{version}":
        if told.action == CHANGED and detail.get("before") == f"v{version}":
            return Event(told.at, "Retired", f"{told.object.removeprefix(f'{name} ')} serves in its place")
        return None
    if told.action == CHANGED:
        before = f"in place of {detail['before']}" if detail.get("before") else "no other version served"
        why = ", ".join(part for part in (str(detail.get("why") or ""), before) if part)
        return Event(told.at, "Promoted to champion" if detail.get("proven") else "Serves, unproven", why)
    if told.action == DEMOTED:
        return Event(told.at, "Demoted to unproven", str(detail.get("because", "")).rstrip("."))
    return Event(told.at, "Rebuilt", REBUILDS.get(str(detail.get("state")), ""))
