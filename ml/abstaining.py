"""When a model would rather not call: on a bar unlike any it knows, and where it cannot rule out any outcome.

The same code decides for live calls and for the rows out of sample on the card.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import conformal
from ml.novelty import Novelty

NOVEL, UNDECIDED = "novel", "undecided"
SENTENCES = {
    NOVEL: "The market moves unlike anything the model has learned from.",
    UNDECIDED: "At 90 % the model can rule out no outcome.",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """`conformal_set` as it is written down, such as `neutral,bullish`; `reason` is None where the model calls."""

    conformal_set: str | None
    novelty: float | None
    reason: str | None


def doubt(
    p: Floats, bars: npt.NDArray[np.floating], *, threshold: float | None, novelty: Novelty | None
) -> list[Doubt]:
    """Of (n, 3) probabilities on (n, features) scaled bars; nothing is doubted by what is None."""
    inside = None if threshold is None else conformal.sets(p, threshold)
    far = None if novelty is None else novelty.of(bars)
    why = reasons(len(p), inside, far)
    return [
        Doubt(
            conformal_set=None if inside is None else conformal.word(inside[n]),
            novelty=None if far is None else float(far[n]),
            reason=why[n] or None,
        )
        for n in range(len(p))
    ]


def reasons(n: int, inside: npt.NDArray[np.bool_] | None, far: Floats | None) -> list[str]:
    """Why each of `n` rows is left without a call, empty where it is called. Novelty goes first."""
    found = np.full(n, "", dtype=object)
    if inside is not None:
        found[inside.all(axis=1)] = UNDECIDED
    if far is not None:
        found[far > 1] = NOVEL
    return [str(word) for word in found]
