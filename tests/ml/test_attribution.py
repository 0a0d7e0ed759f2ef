"""What moved a call: a feature's share is what its absence costs the likeliest class."""

import numpy as np
import pytest

from ml import attribution
from ml.attribution import Share

NAMES = ("for", "against", "idle")


def say(windows: np.ndarray) -> np.ndarray:
    """Softmax of what the first feature adds to bullish and the second one takes from it, by their last bar."""
    logits = np.zeros((len(windows), 3))
    logits[:, 2] = 2.0 * windows[:, -1, 0] - 0.5 * windows[:, -1, 1]
    raised = np.exp(logits)
    return raised / raised.sum(axis=1, keepdims=True)


def test_shares_are_signed_and_the_largest_comes_first() -> None:
    window = np.ones((4, 3), dtype=np.float32)
    p, found = attribution.shares(window, NAMES, say)
    assert [share.feature for share in found] == ["for", "against", "idle"]
    assert found[0].change == pytest.approx(p[2] - np.exp(-0.5) / (2 + np.exp(-0.5)))
    assert found[1].change < 0
    assert found[2].change == 0


def test_shares_are_of_the_likeliest_class() -> None:
    window = np.zeros((4, 3), dtype=np.float32)
    window[-1] = (-1.0, 0.0, 0.25)
    p, found = attribution.shares(window, NAMES, say)
    assert p.argmax() == 0
    assert found[0] == Share("for", pytest.approx(p[0] - 1 / 3), -1.0)  # without it all are alike
    assert found[0].change > 0
    assert {share.feature: share.last for share in found}["idle"] == 0.25


def test_the_window_is_left_as_it_was() -> None:
    window = np.ones((4, 3), dtype=np.float32)
    attribution.shares(window, NAMES, say)
    assert (window == 1).all()


def test_a_share_survives_json() -> None:
    share = Share("rsi_14", 0.031, -1.2)
    assert Share.from_dict(share.to_dict()) == share
