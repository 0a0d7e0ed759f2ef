"""Whether what is fitted beside the network depends on the rows of its own segment and on nothing else."""

from dataclasses import replace

import numpy as np

from core.ohlcv import Floats
from ml import baselines, fitted
from ml.dataset import Dataset
from ml.leak_steps import Fits, Seen, Step
from ml.windows import Table


def fitted_on_own_rows(step: Step) -> Seen:
    """Class weights, temperature, conformal threshold and novelty, with every other segment turned upside down."""
    guilty, p = [], said(step.data)
    for title, (part, fit) in step.fits.items():
        if not np.array_equal(fit(step.data, p), fit(_poisoned(step.data, part), p)):
            guilty.append(title)
    n = len(step.fits)
    return Seen(f"Rows of another segment change the {', the '.join(guilty)}." if guilty else "", n - len(guilty), n)


def _poisoned(data: Dataset, part: str) -> Dataset:
    """The dataset with other labels everywhere but in one segment, and other features in no window of it."""
    mine = getattr(data.parts, part)
    y = ((data.rows.y + 1) % 3).astype(np.int8)
    y[mine] = data.rows.y[mine]
    ends, edges = data.rows.ends[mine], np.zeros(len(data.table) + 1)
    np.add.at(edges, ends - data.config.window + 1, 1)
    np.add.at(edges, ends + 1, -1)
    table: Table = data.table + np.where(np.cumsum(edges)[:-1] > 0, 0, 9)[:, None].astype(np.float32)
    return replace(data, table=table, rows=replace(data.rows, y=y))


def said(data: Dataset) -> Floats:
    """(all rows, 3) what a network might say: it knows a little, and is surer of it than it may be."""
    logits = np.random.default_rng(0).normal(0.0, 1.5, (len(data.rows.y), 3)) + np.eye(3)[data.rows.y]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


FITS: Fits = {
    "class weights": ("train", lambda data, _p: fitted.class_weights(baselines.prior(data))),
    "temperature": ("validation", lambda data, p: fitted.temperature(data, p[data.parts.validation])),
    "conformal threshold": ("validation", lambda data, p: fitted.threshold(data, p[data.parts.validation])),
    "novelty": ("train", lambda data, _p: fitted.usual(data).precision),
}
