"""The exported graph computes what an LSTM written out in NumPy computes."""

import numpy as np
import pytest

from core.errors import ModelUnavailable
from ml import onnx_export, sessions
from ml.config import TrainingConfig
from tests.ml.networks import by_hand, random_weights

CONFIG = TrainingConfig(("demo:BTC/USDT",), "1h", 3, units=(6, 5, 4), window=7)
WEIGHTS = random_weights(CONFIG, 10, seed=1)
FILE = onnx_export.build([WEIGHTS], CONFIG, 10)
X = np.random.default_rng(2).normal(size=(5, 7, 10)).astype(np.float32)


def test_graph_agrees_with_an_lstm_by_hand() -> None:
    assert onnx_export.largest_difference(FILE, X, by_hand(WEIGHTS, CONFIG, X)) <= 1e-6


def test_answers_are_probabilities_for_any_number_of_windows() -> None:
    session = sessions.open_session(FILE)
    for n in (1, 5):
        p = session.run(None, {"window": X[:n]})[0]
        assert p.shape == (n, 3)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


def test_a_model_that_says_something_else_is_not_let_through() -> None:
    with pytest.raises(ModelUnavailable, match="differs from the trained one"):
        onnx_export.largest_difference(FILE, X, by_hand(WEIGHTS, CONFIG, X) + 1e-4)


def test_an_answer_that_is_no_number_is_not_let_through() -> None:
    with pytest.raises(ModelUnavailable):
        onnx_export.largest_difference(FILE, X, np.full((5, 3), np.nan))


def test_the_same_file_gets_the_same_session() -> None:
    assert sessions.open_session(FILE) is sessions.open_session(bytes(FILE))


@pytest.mark.parametrize("content", [b"", b"no model", FILE[: len(FILE) // 2]])
def test_a_file_that_is_no_model_is_unavailable(content: bytes) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        sessions.open_session(content)


def test_few_sessions_are_kept() -> None:
    for seed in range(sessions.KEPT + 3):
        sessions.open_session(onnx_export.build([random_weights(CONFIG, 2, seed=seed)], CONFIG, 2))
    assert len(sessions._sessions) == sessions.KEPT
