"""Training is repeatable, resumable, stoppable, and ends with files that say what the network says."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import artefacts, features, fitted, trainer
from ml.card import Card
from ml.trainer import Course
from tests.ml import train_once

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


@pytest.fixture(scope="module")
def trained(folder: Path) -> dict[str, Any]:
    """What `train_once` did, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.ml.train_once", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def test_same_seed_and_data_give_the_same_weights(trained: dict[str, Any]) -> None:
    assert trained["first"] == trained["again"]


def test_other_seeds_give_other_weights(trained: dict[str, Any]) -> None:
    assert trained["seeds_differ"]


def test_a_training_process_uses_one_thread(trained: dict[str, Any]) -> None:
    assert trained["threads"] == 1


def test_an_interrupted_training_goes_on_and_ends_with_the_same_weights(trained: dict[str, Any]) -> None:
    assert trained["cancelled"]
    assert trained["stopped_at"] == [2, 1]
    assert trained["resumed_at"] == [2, 2]
    assert trained["resumed"] == trained["first"]


def test_a_checkpoint_of_other_data_is_not_taken_up(trained: dict[str, Any]) -> None:
    assert trained["other_data"] == 6


def test_progress_runs_from_the_first_epoch_to_the_whole(trained: dict[str, Any]) -> None:
    assert trained["fractions"] == pytest.approx([k / 6 for k in range(1, 7)])
    assert trained["eta"][0] > trained["eta"][-1] == 0


def test_progress_moves_with_every_batch(trained: dict[str, Any]) -> None:
    steps = trained["steps"]
    assert len(steps) == trained["batches"]
    fractions = [fraction for _, _, _, fraction in steps]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert all(0 <= share <= 1 for _, _, share, _ in steps)
    first = [share for seed, done, share, _ in steps if (seed, done) == (1, 0)]
    assert len(set(first)) == len(first) > 5


def test_checkpoints_leave_nothing_half_written(trained: dict[str, Any]) -> None:
    assert trained["files"] == ["seed-1.npz", "seed-2.npz"]


def test_losses_are_finite(trained: dict[str, Any]) -> None:
    assert np.isfinite(np.array(trained["losses"])).all()


def test_training_stops_when_validation_gets_no_better(trained: dict[str, Any]) -> None:
    early = trained["early"]
    assert early["stopped_early"]
    assert early["epochs"] == early["best"] + 2 < 40


def test_the_weights_of_the_best_epoch_are_handed_out(trained: dict[str, Any]) -> None:
    assert trained["best"]["got"] == pytest.approx(trained["best"]["said"], abs=1e-5)


def test_layers_answer_as_keras_own_do_and_keep_their_names(trained: dict[str, Any]) -> None:
    apart = trained["beside_plain"]
    assert apart["paths"]
    assert apart["fresh"] == 0  # the same seed makes the same weights
    assert apart["served"] <= 1e-6
    assert apart["said"] <= 1e-5


def test_gradients_of_inputs_and_of_every_weight_are_those_of_keras(trained: dict[str, Any]) -> None:
    apart = trained["beside_plain"]
    assert len(apart["gradients"]) == 1 + 3 * 5 + 2
    assert max(apart["gradients"].values()) <= 1e-5
    assert apart["least_gradient"] > 0.1  # so that agreeing means something


def test_some_steps_of_training_come_to_the_losses_and_weights_of_keras(trained: dict[str, Any]) -> None:
    apart = trained["beside_plain"]
    mine, its = zip(*apart["losses"], strict=True)
    assert mine == pytest.approx(its, abs=1e-5)
    assert len(set(its)) == len(its)
    assert max(apart["weights"].values()) <= 1e-5


def test_a_planted_rule_is_learned(trained: dict[str, Any]) -> None:
    assert trained["planted"]["val_loss"] < 0.9 * trained["planted"]["chance"]


def test_a_built_version_has_all_its_files_and_a_card_that_can_be_read(trained: dict[str, Any], folder: Path) -> None:
    assert trained["built"]["files"] == sorted(
        ["weights.npz", "model.onnx", "scaler.json", "config.json", "card.json", "labels.npz", "baselines.npz"]
    )
    card = Card.from_dict(trained["built"]["card"])
    assert card == Card.from_dict(json.loads((folder / "card.json").read_text()))
    assert [run.seed for run in card.runs] == [1, 2]
    assert all(run.served for run in card.runs)  # the mean of all seeds serves
    assert card.onnx_max_difference <= 1e-5
    assert card.metrics.n == card.split.test.windows
    simple = {b.key for b in card.baselines if b.simple}
    assert simple == {"climatology", "majority", "persistence", "momentum"}
    assert {b.key for b in card.baselines} == simple | {"logistic", "boosting", "shuffled", "undirected"}
    assert all(b.mcnemar is not None and b.mcnemar.design_effect > 1 for b in card.baselines)
    assert card.naive is not None and card.naive.told.startswith("With rows shuffled before the split")
    assert 0.2 <= card.network["temperature"] <= 20
    assert json.loads((folder / artefacts.CONFIG).read_text())["temperature"] == card.network["temperature"]
    assert card.environment["tensorflow"]
    assert (card.verdict, card.quick_look, card.leak_lab) == ("no_demonstrated_skill", True, "green")


def test_stages_and_epochs_are_told_in_order(trained: dict[str, Any]) -> None:
    built = trained["built"]
    assert built["stages"][:3] == ["preparing"] * 3
    assert set(built["stages"][3:]) == {"evaluating"}
    assert [epoch for epoch, _, _ in built["epochs"]] == [1, 2, 3, 1, 2, 3]
    _, windows, base = built["epochs"][0]
    assert set(windows) == {"train", "validation", "test"}
    assert 1.0 < base < 1.2


def test_the_served_onnx_file_repeats_the_test_forecasts(trained: dict[str, Any], folder: Path) -> None:
    """Rebuilt from candles, scaler and ONNX file alone: what a worker does at every close."""
    from ml import config, scaling, sessions, windows

    stored = json.loads((folder / artefacts.CONFIG).read_text())
    asked = config.from_dict(stored["training"])
    scaler = scaling.from_json((folder / artefacts.SCALER).read_text())
    with np.load(folder / artefacts.LABELS, allow_pickle=False) as found:
        kept = {name: found[name] for name in found.files}
    candles = train_once.walk(1_500, seed=0)
    table = scaler.apply(features.compute(candles, asked.step.ms))
    rows = kept["test_rows"][kept["market"][kept["test_rows"]] == 0]
    ends = np.searchsorted(candles.time, kept["t0"][rows]).astype(np.int32)
    session = sessions.open_session((folder / artefacts.MODEL).read_bytes())
    p = session.run(None, {"window": windows.gather(table, ends, asked.window)})[0]
    of_market = kept["test_p"][kept["market"][kept["test_rows"]] == 0]
    np.testing.assert_allclose(p, of_market, atol=1e-5)


def test_the_kept_baselines_score_on_the_test_what_the_card_says_of_them(trained: dict[str, Any], folder: Path) -> None:
    from ml import config, evaluation, scaling, simple_models, windows

    asked = config.from_dict(json.loads((folder / artefacts.CONFIG).read_text())["training"])
    scaler = scaling.from_json((folder / artefacts.SCALER).read_text())
    beside = simple_models.read((folder / artefacts.BASELINES).read_bytes(), asked.window, len(features.NAMES))
    with np.load(folder / artefacts.LABELS, allow_pickle=False) as found:
        kept = {name: found[name] for name in found.files}
    card, losses = Card.from_dict(trained["built"]["card"]), {"logistic": [], "boosting": []}
    for number in range(len(asked.markets)):
        candles = train_once.walk(1_500, seed=number)
        rows = kept["test_rows"][kept["market"][kept["test_rows"]] == number]
        table = scaler.apply(features.compute(candles, asked.step.ms))
        ends = np.searchsorted(candles.time, kept["t0"][rows]).astype(np.int32)
        for key, p in beside.say(windows.gather(table, ends, asked.window)).items():
            y = evaluation.settled(kept["y"][rows], kept["ambiguous"][rows], p)
            losses[key] += evaluation.log_losses(p, y).tolist()
    for key, found in losses.items():
        assert np.mean(found) == pytest.approx(card.baseline(key).metrics.log_loss, abs=1e-6)


def test_class_weights_make_classes_even_and_come_out_again() -> None:
    prior = np.array([0.5, 0.3, 0.2])
    weights = fitted.class_weights(prior)
    np.testing.assert_allclose(weights * prior, 1 / 3, rtol=1e-6)
    learned = weights * prior / (weights * prior).sum()  # what a network says that knows nothing
    np.testing.assert_allclose(trainer.without_class_weights(learned[None], prior)[0], prior, rtol=1e-6)


def test_a_class_that_never_happened_weighs_nothing() -> None:
    assert fitted.class_weights(np.array([0.5, 0.5, 0.0])).tolist() == pytest.approx([2 / 3, 2 / 3, 0])


@pytest.mark.parametrize(
    ("val_losses", "over"), [([], False), ([3, 2, 1], False), ([1, 2], False), ([1, 2, 3], True), ([3, 2, 1, 0], True)]
)
def test_a_course_is_over_at_its_last_epoch_or_when_patience_ends(val_losses: list[float], over: bool) -> None:
    course = Course(1, losses=[math.nan] * len(val_losses), val_losses=val_losses)
    assert course.over(epochs=4, patience=2) is over
