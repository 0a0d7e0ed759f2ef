"""Temperature scaling undoes too much or too little confidence, changes no call, and is the same in ONNX."""

import numpy as np
import pytest

from ml import calibration, evaluation, features, onnx_export
from ml.sessions import open_session
from tests.ml import versions
from tests.ml.networks import by_hand, random_weights

RNG = np.random.default_rng(4)
TRUE = RNG.dirichlet((2.0, 3.0, 2.0), 6_000)
Y = np.array([RNG.choice(3, p=row) for row in TRUE], dtype=np.int8)


@pytest.mark.parametrize("temperature", [0.4, 0.8, 1.0, 1.7, 4.0])
def test_a_wrong_temperature_is_found_and_undone(temperature: float) -> None:
    said = calibration.scaled(TRUE, 1 / temperature)
    found = calibration.fit(said, Y)
    assert found == pytest.approx(temperature, rel=0.12)
    before, after = (evaluation.log_losses(p, Y).mean() for p in (said, calibration.scaled(said, found)))
    assert after <= before


def test_calibration_error_falls_and_no_call_changes() -> None:
    said = calibration.scaled(TRUE, 0.3)
    better = calibration.scaled(said, calibration.fit(said, Y))
    np.testing.assert_array_equal(said.argmax(axis=1), better.argmax(axis=1))
    before, after = (evaluation.ece(evaluation.reliability(p, Y)) for p in (said, better))
    assert after < 0.03 < before


def test_a_network_that_knows_nothing_but_is_sure_becomes_unsure() -> None:
    y = RNG.integers(0, 3, 3_000).astype(np.int8)
    said = calibration.scaled(RNG.dirichlet((1.0, 1.0, 1.0), 3_000), 0.5)
    assert calibration.scaled(said, calibration.fit(said, y)).max() < 0.6


def test_the_temperature_stays_within_bounds() -> None:
    sure = np.full((60, 3), 0.3) + np.eye(3)[np.zeros(60, dtype=int)] * 0.1
    assert calibration.fit(sure, np.zeros(60, dtype=np.int8)) == pytest.approx(1 / calibration.STRONGEST, rel=0.01)
    assert calibration.fit(sure, np.ones(60, dtype=np.int8)) == pytest.approx(1 / calibration.MILDEST, rel=0.01)


def test_folded_weights_say_the_scaled_probabilities_in_onnx_too() -> None:
    asked = versions.config()
    weights = random_weights(asked, len(features.NAMES), seed=2)
    x = RNG.normal(size=(40, asked.window, len(features.NAMES))).astype(np.float32)
    wanted = calibration.scaled(by_hand(weights, asked, x), 1.8)
    folded = calibration.folded(weights, 1.8)
    np.testing.assert_allclose(by_hand(folded, asked, x), wanted, atol=1e-5)
    model = onnx_export.build([folded], asked, len(features.NAMES))
    np.testing.assert_allclose(open_session(model).run(None, {"window": x})[0], wanted, atol=1e-5)
    assert weights["head/bias"] is not folded["head/bias"]
