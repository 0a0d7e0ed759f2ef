"""What moved a call: each feature in turn is set to what is usual, and the call is asked for again.

Occlusion (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"), feature by feature over
the whole window: the usual value is the mean of the train rows, which is 0 once scaled. It describes the model, not
the market: features move together, so shares neither add up nor name a cause.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.ohlcv import Floats
from ml.windows import Table

Say = Callable[[Table], Floats]  # (n, bars, features) windows → (n, 3) probabilities


@dataclass(frozen=True, slots=True)
class Share:
    """`change`: what the feature adds to the probability of the likeliest class, as a fraction; below 0 it takes away.

    `last`: its value in the last bar, in deviations from the mean of the train rows.
    """

    feature: str
    change: float
    last: float

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Share":
        return cls(str(data["feature"]), float(data["change"]), float(data["last"]))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def shares(window: Table, names: tuple[str, ...], say: Say) -> tuple[Floats, list[Share]]:
    """The call on a scaled (bars, features) window, and every feature's share in it, the largest first."""
    windows = np.repeat(window[None], len(names) + 1, axis=0)  # (1 + features, bars, features)
    for number in range(len(names)):
        windows[number + 1, :, number] = 0.0
    p = say(windows)
    top = int(p[0].argmax())
    found = [Share(name, float(p[0, top] - p[k + 1, top]), float(window[-1, k])) for k, name in enumerate(names)]
    return p[0], sorted(found, key=lambda share: -abs(share.change))
