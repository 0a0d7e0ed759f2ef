"""Versions are counted without doubt, one serves, and overviews stay light."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import db.engine
from core.errors import NotFound
from db.queries import trained_models
from ml import registry
from ml.card import Card
from tests.ml import versions

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))


def record(session: Session, card: Card = CARD) -> int:
    number = trained_models.count(session)
    return registry.record(session, card, ASKED, manifest={"model.onnx": "x"}, folder=f"{card.name}/{number}").id


def states(session: Session) -> list[tuple[int, str]]:
    return [(row.version, row.state) for row in trained_models.table(session)]


def test_the_first_version_serves_unproven(session: Session) -> None:
    model = trained_models.get(session, record(session))
    assert (model.version, model.state) == (1, "champion")
    assert model.card["version"] == 1
    assert Card.from_dict(model.card).verdict == "no_demonstrated_skill"


def test_an_unskilled_version_takes_over_only_when_it_saves_more(session: Session) -> None:
    record(session, versions.with_gain(CARD, 0.01))
    record(session, versions.with_gain(CARD, 0.005))
    assert states(session) == [(2, "candidate"), (1, "champion")]
    record(session, versions.with_gain(CARD, 0.02))
    assert states(session) == [(3, "champion"), (2, "candidate"), (1, "retired")]


def test_a_skilled_version_replaces_an_unskilled_one_and_not_the_other_way_round(session: Session) -> None:
    record(session, versions.with_gain(CARD, 0.5))
    record(session, versions.with_gain(CARD, 0.01, verdict="skilled"))
    assert states(session) == [(2, "champion"), (1, "retired")]
    record(session, versions.with_gain(CARD, 0.9))
    assert states(session)[0] == (3, "candidate")


def test_families_are_counted_apart(session: Session) -> None:
    record(session)
    record(session, replace(CARD, name="other"))
    assert [row.version for row in trained_models.table(session)] == [1, 1]


def test_pages_put_together_are_the_table(session: Session) -> None:
    for _ in range(3):
        record(session)
    whole, newest = trained_models.table(session), trained_models.page(session, limit=2)
    assert [*newest, *trained_models.page(session, before=newest[-1].id, limit=2)] == whole
    assert "calls" not in newest[0].card


def test_overview_leaves_the_long_part_of_the_card_out(session: Session) -> None:
    model_id = record(session)
    row = trained_models.table(session)[0]
    assert "calls" not in row.card
    assert Card.from_dict(row.card).finding == CARD.finding
    assert trained_models.get(session, model_id).card["calls"]
    assert row.title == f"{ASKED.family} v1"


def test_summaries_name_verdict_and_finding(session: Session) -> None:
    record(session)
    (line,) = trained_models.summaries(session)
    assert (line["model"], line["verdict"]) == (f"{ASKED.family} v1", "no_demonstrated_skill")
    assert line["finding"] == CARD.finding


def test_versions_are_tried_champion_first_then_the_newest(session: Session) -> None:
    for gain in (0.01, 0.5, 0.2):
        record(session, versions.with_gain(CARD, gain))
    assert [m.version for m in trained_models.versions(session, ASKED.family)] == [2, 3, 1]


def test_champions_of_a_timeframe(session: Session) -> None:
    record(session)
    assert [m.name for m in trained_models.champions(session, "1h")] == [ASKED.family]
    assert trained_models.champions(session, "5m") == []
    assert len(trained_models.champions(session)) == 1


def test_what_is_not_there_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        trained_models.get(session, 4711)
    with pytest.raises(NotFound, match="no model x v2"):
        trained_models.find(session, "x", 2)
    model_id = record(session)
    assert trained_models.find(session, ASKED.family, 1).id == model_id


def test_recorded_folders_are_told_from_leftovers(session: Session) -> None:
    record(session)
    assert trained_models.folders(session, [f"{ASKED.family}/0", f"{ASKED.family}/9"]) == {f"{ASKED.family}/0"}


@pytest.fixture
def waiting(database: Engine) -> Iterator[Session]:
    with Session(database) as other:
        other.execute(text("SET lock_timeout = '200ms'"))
        yield other


def test_two_writers_of_a_family_never_get_the_same_number(session: Session, waiting: Session, tmp_path: Path) -> None:
    record(session)
    with pytest.raises(Exception, match="lock timeout"):
        trained_models.lock(waiting, ASKED.family)
    waiting.rollback()
    session.commit()
    with db.engine.session() as after:
        assert trained_models.lock(after, ASKED.family) == 2
