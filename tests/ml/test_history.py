"""What became of a version, told from its card and the audit log of its family."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ml import history
from ml.card_parts import Change
from ml.history import CHANGED, DEMOTED, REBUILT, Told

START = datetime(2026, 11, 1, tzinfo=UTC)


def told(day: int, action: str, version: int, **detail: Any) -> Told:
    return Told(START + timedelta(days=day), action, f"btc-1h v{version}", detail)


def of(version: int, *entries: Told, **card: Any) -> list[tuple[str, str]]:
    return [(event.what, event.why) for event in history.of("btc-1h", version, card, START, entries)]


def test_the_newest_event_stands_first_and_the_training_last() -> None:
    found = of(
        2,
        told(1, CHANGED, 2, before="v1", proven=False, why="the champion was demoted"),
        told(3, CHANGED, 2, before=None, proven=True, why="passed the promotion gate"),
        told(4, REBUILT, 2, state="same"),
        told(5, DEMOTED, 2, because="It drifted."),
        quick_look=False,
    )
    assert found == [
        ("Demoted to unproven", "It drifted"),
        ("Rebuilt", "exactly the same came out"),
        ("Promoted to champion", "passed the promotion gate, no other version served"),
        ("Serves, unproven", "the champion was demoted, in place of v1"),
        ("Trained", "a walk-forward"),
    ]


def test_a_version_is_retired_by_the_one_that_takes_its_place() -> None:
    entries = (told(1, CHANGED, 1, before=None, proven=False), told(2, CHANGED, 2, before="v1", proven=True))
    assert of(1, *entries)[0] == ("Retired", "v2 serves in its place")
    assert len(of(3, *entries)) == 1, "what happened to others is none of its history"


def test_a_verdict_that_changed_is_in_the_history() -> None:
    change = Change(
        int((START + timedelta(days=2)).timestamp() * 1_000), "skilled", "no_demonstrated_skill", "leak lab red"
    )
    assert of(1, history=[change.to_dict()])[0] == ("Verdict changed to no demonstrated skill", "leak lab red")
