"""What is fitted beside the network, each on the rows of its own segment and on nothing else.

The one place where these numbers come from: a training takes them from here, and the leak lab asks here whether labels
and candles of other segments would change them (`ml.leak_audits`).
"""

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import calibration, conformal, novelty
from ml.dataset import Dataset
from ml.novelty import Novelty


def class_weights(prior: Floats) -> npt.NDArray[np.float32]:
    """(3,) so that every class of the train rows weighs the same; a class that never happened weighs nothing."""
    weights: npt.NDArray[np.float32] = np.divide(1.0, 3 * prior, out=np.zeros(3), where=prior > 0).astype(np.float32)
    return weights


def temperature(data: Dataset, said: Floats) -> float:
    """The temperature of a network that said (rows, 3) `said` of the validation rows."""
    return calibration.fit(said, data.rows.y[data.parts.validation])


def threshold(data: Dataset, said: Floats) -> float:
    """The threshold of conformal sets, of (rows, 3) `said` of the validation rows."""
    return conformal.fit(said, data.rows.y[data.parts.validation])


def usual(data: Dataset) -> Novelty:
    """What bars are like on the train rows."""
    return novelty.fit(data.last_bars(data.parts.train))
