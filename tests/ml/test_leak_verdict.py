"""A leak report that comes later changes what is believed, and says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from db.queries import audit, leak_reports, trained_models
from db.tables import TrainedModel
from ml import leak_verdict, registry
from ml.card import SKILLED, Card
from ml.leak_report import Check, Report
from tests.ml import versions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 180  # a proof lasts
ASKED = versions.config()
BARE = versions.card(ASKED, versions.prepared(ASKED))
BEATEN = [replace(b, model_against=replace(b.model_against, beats=True)) for b in BARE.baselines]
GOOD = replace(BARE, baselines=BEATEN, skill_shown=True)
GREEN = Report([Check("split", "Rows apart", True, "24 bars")], "logistic regression", 1_500, 1_389)
RED = replace(GREEN, checks=[Check("split", "Rows apart", False, "0 bars", "3 rows reach over a border.")])
LESS = replace(GREEN, note="Its candles have changed since it was trained, so its files were not compared.")


def recorded(session: Session, models: Path, card: Card, *reports: Report, seed: int = 1) -> TrainedModel:
    model = versions.publish(session, models, card, ASKED, seed=seed)
    for report in reports:
        leak_verdict.conclude(session, model.id, report, now=NOW, max_age_days=DAYS)
    return model


def actions(session: Session, action: str) -> list[str]:
    return [event.object for event in audit.page(session, audit.Wanted(action=action))]


def test_a_report_that_turns_red_takes_the_verdict_and_the_place(session: Session, tmp_path: Path) -> None:
    other = recorded(session, tmp_path, BARE, GREEN, seed=2)
    model = recorded(session, tmp_path, GOOD, GREEN)
    assert (model.card["verdict"], model.card["better_than_simple_models"]) == (SKILLED, True)
    model.state, other.state = "retired", "retired"
    session.flush()
    model.state, model.proven = "champion", True
    leak_verdict.conclude(session, model.id, RED, now=NOW, max_age_days=DAYS)
    card = Card.from_dict(model.card)
    assert (card.verdict, card.better_than_simple_models, card.leak_lab) == ("no_demonstrated_skill", False, "red")
    assert [(c.after, c.reason) for c in card.history] == [
        (SKILLED, "leak lab green"),
        ("no_demonstrated_skill", "leak lab red"),
    ]
    assert (model.state, model.proven, other.state) == ("retired", False, "champion")
    assert model.demoted_because == "The leak lab is red: rows apart failed."
    assert actions(session, "champion_demoted") == [registry.title(model)]
    assert actions(session, "verdict_changed") == [registry.title(model)] * 2


def test_a_card_from_before_the_mark_loses_its_verdict_and_never_wins_one(session: Session, tmp_path: Path) -> None:
    model = recorded(session, tmp_path, replace(GOOD, verdict=SKILLED))
    model.card = {key: value for key, value in model.card.items() if key not in ("skill_shown", "history")}
    found = [
        leak_verdict.conclude(session, model.id, report, now=NOW, max_age_days=DAYS).card["verdict"]
        for report in (GREEN, RED, GREEN)
    ]
    assert found == [SKILLED, "no_demonstrated_skill", "no_demonstrated_skill"]


def test_the_same_report_again_changes_nothing(session: Session, tmp_path: Path) -> None:
    model = recorded(session, tmp_path, GOOD, GREEN, RED, RED)
    assert len(model.card["history"]) == 2 and len(actions(session, "champion_demoted")) == 1


def test_an_examination_of_less_shows_nothing_and_takes_no_place(session: Session, tmp_path: Path) -> None:
    model = recorded(session, tmp_path, GOOD, LESS)
    assert (model.card["leak_lab"], model.card["verdict"]) == ("not comparable", "no_demonstrated_skill")
    line = registry.gate_of(session, model, models=tmp_path).lines[-1]
    assert (line.passed, line.value) == (False, "not comparable")
    for report in (GREEN, LESS):
        leak_verdict.conclude(session, model.id, report, now=NOW, max_age_days=DAYS)
    kept = leak_reports.find(session, model.id)
    assert kept is not None and kept.green and model.card["verdict"] == SKILLED
    assert replace(LESS, checks=RED.checks).state == "red"


def test_red_versions_are_the_last_to_serve(session: Session, tmp_path: Path) -> None:
    first = recorded(session, tmp_path, BARE, GREEN)
    red = recorded(session, tmp_path, replace(versions.with_gain(GOOD, 9.0), leak_lab="red"), seed=2)
    assert trained_models.champion(session, ASKED.family) == first
    assert registry.worth(red.card) < registry.worth(first.card)
    registry.demote(session, first, "It drifted.", now=NOW)
    assert recorded(session, tmp_path, replace(GOOD, leak_lab="red"), seed=3).state == "candidate"


@pytest.mark.parametrize(("days", "serves"), [(179, "v1"), (180, "v2")])
def test_a_version_past_its_age_does_not_take_the_place(
    session: Session, tmp_path: Path, days: int, serves: str
) -> None:
    old = recorded(session, tmp_path, BARE, GREEN, seed=2)
    model = recorded(session, tmp_path, versions.with_gain(GOOD, 9.0), GREEN)
    assert model.state == "champion"
    old.created_at = NOW - timedelta(days=days)
    leak_verdict.conclude(session, model.id, RED, now=NOW, max_age_days=DAYS)
    champion = trained_models.champion(session, ASKED.family)
    assert champion is not None and f"v{champion.version}" == serves
    assert model.demoted_at == NOW
