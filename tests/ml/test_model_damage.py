"""R28: a model whose files are damaged, or whole and of the wrong kind, makes no call; the version before it does.

Damage is logged once per change, not with every round of calls.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from core import market_name
from core.clock import to_ms, utc_now
from core.errors import ModelUnavailable
from core.timeframe import parse
from db.queries import candles, markets, predictions
from db.tables import TrainedModel
from ml import artefacts, features, onnx_export, predictor, registry, scaling, serving, sessions
from tests.candles import walk
from tests.ml import versions
from tests.ml.networks import random_weights

ASKED = versions.config()
CARD = versions.card(ASKED, versions.prepared(ASKED))
HOUR = parse("1h")
DEMO, OTHER = market_name.parse("demo:BTC/USDT"), market_name.parse("demo:ETH/USDT")
Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def _nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_faults", {})  # other tests of this process met damage as well


def stored(session: Session, name: market_name.MarketName, now: datetime) -> int:
    market = markets.get_or_create(session, name, simulated=True)
    candles.upsert(session, market.id, "1h", walk(400, start_ms=HOUR.last_closed(to_ms(now)) - 399 * HOUR.ms))
    return market.id


def publish(session: Session, models: Path, files: Files, gain: float, name: str) -> TrainedModel:
    """A version of exactly these files, with hashes that match."""
    folder = f"{ASKED.family}/{name}"
    manifest = artefacts.save(models, folder, files)
    return registry.record(session, versions.with_gain(CARD, gain), ASKED, manifest=manifest, folder=folder)


def onnx(*, window: int = 60, inputs: int = 10) -> Callable[[Files], Files]:
    asked = replace(ASKED, window=window)
    model = onnx_export.build([random_weights(asked, inputs, seed=1)], asked, inputs)
    return lambda files: files | {artefacts.MODEL: model}


def scaler(**changed: object) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        return files | {artefacts.SCALER: json.dumps(json.loads(files[artefacts.SCALER]) | changed).encode()}

    return change


def setting(**changed: object) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        return files | {artefacts.CONFIG: json.dumps(json.loads(files[artefacts.CONFIG]) | changed).encode()}

    return change


def nan_weights(files: Files) -> Files:
    weights = random_weights(ASKED, 10, seed=1)
    weights["head/kernel"] = np.full_like(weights["head/kernel"], np.nan)
    return files | {artefacts.MODEL: onnx_export.build([weights], ASKED, 10)}


def not_sure(files: Files) -> Files:
    """A graph that answers three numbers which are no probabilities."""
    from onnx import TensorProto, helper

    def info(name: str, shape: list[int | str]) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    value = helper.make_tensor("value", TensorProto.FLOAT, [1, 3], [0.5, 0.5, 0.5])
    nodes = [helper.make_node("Constant", [], ["probabilities"], value=value)]
    graph = helper.make_graph(nodes, "x", [info("window", ["batch", 60, 10])], [info("probabilities", [1, 3])])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return files | {artefacts.MODEL: made.SerializeToString()}


UNFIT = {
    "a model of 9 features": (onnx(inputs=9), "does not take windows"),
    "a model of another window": (onnx(window=30), "does not take windows"),
    "a scaler of 9 features": (
        scaler(names=features.NAMES[:9], mean=[0.0] * 9, deviation=[1.0] * 9),
        "scaler is made for other features",
    ),
    "a scaler of features in another order": (scaler(names=features.NAMES[::-1]), "made for other features"),
    "a scaler with too few means": (scaler(mean=[0.0] * 9), "means"),
    "a scaler of NaN": (scaler(mean=[float("nan")] * 10), "means"),
    "a scaler of words": (scaler(mean=["0"] * 10), "means"),
    "a scaler with a deviation of 0": (scaler(deviation=[0.0] + [1.0] * 9), "deviations"),
    "a scaler of infinite deviations": (scaler(deviation=[float("inf")] * 10), "deviations"),
    "barriers of no width": (setting(k=0.0), "barriers"),
    "a threshold that is NaN": (setting(conformal_threshold=float("nan")), "conformal"),
    "novelty of 9 features": (
        setting(novelty={"mean": [0.0] * 9, "precision": np.eye(9).tolist(), "limit": 1.0}),
        "novelty",
    ),
    "settings that are a list": (lambda files: files | {artefacts.CONFIG: b"[]"}, "cannot be understood"),
    "weights that are NaN": (nan_weights, "no probability"),
    "an answer that does not sum to 1": (not_sure, "no probability"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_r28_whole_files_of_the_wrong_kind_fall_back_to_the_previous_version(
    session: Session, tmp_path: Path, kind: str
) -> None:
    spoil, why = UNFIT[kind]
    now = utc_now()
    stored(session, DEMO, now)
    old = publish(session, tmp_path, versions.files(ASKED), 0.01, "good")
    bad = publish(session, tmp_path, spoil(versions.files(ASKED)), 0.02, "bad")
    assert bad.state == "champion"
    asked = predictor.ask(session, DEMO, "1h", models=tmp_path, now=now)
    assert (asked.call.model_id, asked.written) == (old.id, True)
    assert np.isfinite(asked.call.probabilities).all()
    assert asked.note is not None
    assert asked.note.startswith(f"v1 made this call, because {ASKED.family} v2: ")
    assert why in asked.note
    again = predictor.ask(session, DEMO, "1h", models=tmp_path, now=now)
    assert (again.call, again.written) == (asked.call, False)
    assert again.note == "v1 made this call; v2 is the version that serves."


@pytest.mark.parametrize("kind", UNFIT)
def test_r28_where_no_version_can_speak_nothing_is_written(session: Session, tmp_path: Path, kind: str) -> None:
    spoil, why = UNFIT[kind]
    stored(session, DEMO, now := utc_now())
    publish(session, tmp_path, spoil(versions.files(ASKED)), 0.01, "bad")
    with pytest.raises(ModelUnavailable, match=why):
        predictor.ask(session, DEMO, "1h", models=tmp_path, now=now)
    due = predictor.predict_due(session, models=tmp_path, now=now)
    assert (due.written, list(due.refused), len(due.damaged)) == (0, [f"{DEMO} 1h"], 1)
    assert session.execute(text("SELECT count(*) FROM predictions")).scalar_one() == 0


@pytest.mark.parametrize("kind", ["a model of 9 features", "a scaler with a deviation of 0", "weights that are NaN"])
def test_r28_a_model_that_cannot_speak_costs_no_other_market_its_call(
    session: Session, tmp_path: Path, kind: str
) -> None:
    now = utc_now()
    stored(session, DEMO, now)
    called = stored(session, OTHER, now)
    publish(session, tmp_path, UNFIT[kind][0](versions.files(ASKED)), 0.01, "bad")
    eth = versions.config(str(OTHER))
    versions.publish(session, tmp_path, versions.card(eth, versions.prepared(eth)), eth)
    due = predictor.predict_due(session, models=tmp_path, now=now)
    assert (due.written, list(due.refused)) == (1, [f"{DEMO} 1h"])
    assert [row.market_id for row in predictions.latest(session)] == [called]


@pytest.mark.parametrize("fault", [ValueError("x"), DataError("x", {}, Exception("x")), KeyError("x")])
def test_r28_a_market_at_fault_costs_no_other_one_its_call(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    now, write = utc_now(), predictions.write
    faulty = stored(session, DEMO, now)
    called = stored(session, OTHER, now)
    versions.publish(session, tmp_path, CARD, ASKED)

    def fail(at: Session, values: dict) -> bool:
        made = write(at, values)
        if values["market_id"] == faulty:
            raise fault
        return made

    monkeypatch.setattr(predictions, "write", fail)
    due = predictor.predict_due(session, models=tmp_path, now=now)
    assert (due.written, list(due.refused), due.damaged) == (1, [f"{DEMO} 1h"], [])
    assert type(fault).__name__ in due.refused[f"{DEMO} 1h"]
    assert [row.market_id for row in predictions.latest(session)] == [called]  # what failed has left nothing


def test_a_hole_is_not_blamed_on_the_model(session: Session, tmp_path: Path) -> None:
    found = walk(400)
    files = versions.files(ASKED)
    known = scaling.from_json(files[artefacts.SCALER].decode())
    broken = scaling.Scaler(known.names, (float("nan"),) * 10, known.deviation)
    with pytest.raises(ModelUnavailable, match="means of its scaler"):
        serving.forecast(found, artefacts.Loaded(files[artefacts.MODEL], broken, ASKED, 0.8))


def test_the_runtime_is_never_given_windows_it_does_not_take() -> None:
    model = versions.files(ASKED)[artefacts.MODEL]
    for shape in ((1, 60, 9), (1, 59, 10)):
        with pytest.raises(ModelUnavailable, match="does not take windows"):
            sessions.say(model, np.zeros(shape, dtype=np.float32))
    p = sessions.say(model, np.zeros((2, 60, 10), dtype=np.float32))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)


def test_damage_is_logged_once_and_its_end_too(
    session: Session, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = versions.publish(session, tmp_path, versions.with_gain(CARD, -0.1), ASKED, seed=1)
    best = versions.publish(session, tmp_path, versions.with_gain(CARD, 0.1), ASKED, seed=2)
    path = tmp_path / best.folder / "model.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with caplog.at_level(logging.INFO, logger="ml.serving"):
        served = [serving.load(session, best.name, models=tmp_path)[0].id for _ in range(3)]
        path.write_bytes(whole)
        served += [serving.load(session, best.name, models=tmp_path)[0].id for _ in range(2)]
    assert served == [good.id] * 3 + [best.id] * 2
    assert [r.message for r in caplog.records] == ["model_files_damaged", "model_files_whole_again"]


def test_a_version_that_says_nonsense_of_every_market_is_logged_once_for_each(
    session: Session, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = utc_now()
    stored(session, DEMO, now)
    stored(session, OTHER, now)
    publish(session, tmp_path, nan_weights(versions.files(ASKED)), 0.01, "bad")
    with caplog.at_level(logging.INFO, logger="ml.serving"):
        for _ in range(3):
            faults = predictor.predict_due(session, models=tmp_path, now=now).faults
            serving.remember({})  # the next round is another process
            serving.remember(faults)
    assert [r.message for r in caplog.records] == ["model_files_damaged"] * 2
    assert sorted(faults) == [f"{ASKED.family} v1 on {name} 1h" for name in (DEMO, OTHER)]
