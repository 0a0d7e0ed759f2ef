"""R28: damaged files are logged once per change, not with every round of calls."""

import logging
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ml import predictor
from tests.ml import versions

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))


def test_damage_is_logged_once_and_its_end_too(
    session: Session, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "_damaged", {})  # other tests of this process met damage as well
    good = versions.publish(session, tmp_path, versions.with_gain(CARD, -0.1), ASKED, seed=1)
    best = versions.publish(session, tmp_path, versions.with_gain(CARD, 0.1), ASKED, seed=2)
    path = tmp_path / best.folder / "model.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with caplog.at_level(logging.INFO, logger="ml.predictor"):
        served = [predictor.load(session, best.name, models=tmp_path)[0].id for _ in range(3)]
        path.write_bytes(whole)
        served += [predictor.load(session, best.name, models=tmp_path)[0].id for _ in range(2)]
    assert served == [good.id] * 3 + [best.id] * 2
    assert [r.message for r in caplog.records] == ["model_files_damaged", "model_files_whole_again"]
