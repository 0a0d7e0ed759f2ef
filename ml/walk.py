"""Putting the parts of a walk-forward together: what was said out of sample, beside the baselines, as one version.

A single split is a walk-forward of one step. Of every step only the rows of its own test are scored, all steps
together, and everything that is fitted (barriers, scaler, class weights, temperature, conformal threshold, novelty,
regimes, baselines) is fitted on that step's train or validation rows. The networks of the newest step serve: the mean
of the probabilities of all seeds, which is what was scored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import Refused
from core.ohlcv import Floats
from ml import (
    baselines,
    conformal,
    dataset,
    evaluation,
    fitted,
    network,
    onnx_export,
    parts,
    report,
    simple_export,
    trainer,
)
from ml.baselines import Forecast, Learned
from ml.config import TrainingConfig
from ml.dataset import Dataset, Frame
from ml.evaluation import Judged
from ml.network import Network
from ml.novelty import Novelty
from ml.parts import LSTM, SHUFFLED, Key, Trained

CHECKED, CHECKED_NOISE = 384, 128  # real and random windows the exported model has to agree on
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One fold. `p`: (rows, 3) what the mean of all seeds says of its test; `inside`: (rows, 3) conformal sets;
    `far`: novelty of each row; `beside`: what each baseline says, in the order of `baselines.BASELINES`;
    `learned`: those of them that are models, fitted on the train rows."""

    data: Dataset
    members: list[Trained]
    rows: Judged
    p: Floats
    threshold: float
    inside: Flags
    novelty: Novelty
    far: Floats
    beside: list[Forecast]
    learned: dict[str, Learned]


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """All steps, oldest first, and their rows out of sample one after another.

    `seeds`: (seeds, rows, 3) what each network said. `shuffled`: what the network on shuffled labels says.
    """

    config: TrainingConfig
    steps: list[Step]
    rows: Judged
    p: Floats
    seeds: Floats
    shuffled: Floats
    trained: dict[Key, Trained]

    @property
    def newest(self) -> Step:
        return self.steps[-1]

    def joined(self, of: Callable[[Step], npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
        """An array of every step, one after another."""
        return np.concatenate([of(step) for step in self.steps])

    def fold(self) -> npt.NDArray[np.int16]:
        """(rows,) number of the step a row belongs to."""
        return np.repeat(np.arange(len(self.steps), dtype=np.int16), [len(s.p) for s in self.steps])


def walk(
    frames: Sequence[Frame],
    asked: TrainingConfig,
    trained: dict[Key, Trained],
    *,
    net: Network,
    each_batch: Callable[[], None],
    on_stage: Callable[[float, str], None],
) -> Walked:
    """Score every step; `net` runs the network on shuffled labels. Raises Refused where parts do not fit candles."""
    steps = []
    for fold in range(asked.folds):
        which = f"fold {fold + 1} of {asked.folds}" if asked.walks else "the test period"
        on_stage(0.5 * fold / asked.folds, f"Scoring {which} beside the baselines")
        steps.append(_step(frames, asked, trained, fold))
    on_stage(0.5, "Scoring a network that learned from shuffled labels")
    net.set_weights(trained[Key(SHUFFLED, 0, asked.seeds[0])].weights)
    shuffled = np.concatenate([trainer.forecast(net, s.data, s.data.parts.test, each_batch) for s in steps])
    return Walked(
        config=asked,
        steps=steps,
        rows=_joined_rows([s.rows for s in steps]),
        p=np.concatenate([s.p for s in steps]),
        seeds=np.stack([np.concatenate([s.members[n].test for s in steps]) for n in range(len(asked.seeds))]),
        shuffled=shuffled,
        trained=trained,
    )


def export(walked: Walked, net: Network) -> tuple[bytes, float]:
    """The ONNX file of all seeds of the newest step, and its largest difference from Keras on real and random windows.

    Raises ModelUnavailable when it says something else.
    """
    data, members = walked.newest.data, walked.newest.members
    model = onnx_export.build([m.weights for m in members], walked.config, net.features)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(CHECKED_NOISE, walked.config.window, net.features)).astype(np.float32)
    windows = np.concatenate((data.x(data.parts.test[-CHECKED:]), noise))
    said = []
    for member in members:
        net.set_weights(member.weights)
        said.append(net.forecast(windows))
    return model, onnx_export.largest_difference(model, windows, np.mean(said, axis=0))


def export_beside(walked: Walked) -> bytes:
    """The file of the baselines of the newest step, checked on real windows; raises ModelUnavailable like `export`."""
    newest = walked.newest
    return simple_export.export(newest.learned, newest.data, newest.data.parts.test[-CHECKED:])


def start(asked: TrainingConfig, features: int) -> Network:
    """The network of this process, TensorFlow loaded where it was not yet."""
    network.start()
    return network.shared(asked, features)


def _step(frames: Sequence[Frame], asked: TrainingConfig, trained: dict[Key, Trained], fold: int) -> Step:
    data = dataset.prepare(frames, asked, fold=fold)
    members = [trained[Key(LSTM, fold, seed)] for seed in asked.seeds]
    if any(m.told.rows != parts.fingerprint(data) for m in members):
        raise Refused("Finer candles were stored while this was trained, and its labels have changed. Start it again.")
    p = np.mean([m.test for m in members], axis=0)
    test = data.parts.test
    threshold = fitted.threshold(data, np.mean([m.validation for m in members], axis=0))
    known = fitted.usual(data)
    beside, learned = baselines.beside(data, test)
    return Step(
        data=data,
        members=members,
        rows=report.judged(data, test),
        p=p,
        threshold=threshold,
        inside=conformal.sets(p, threshold),
        novelty=known,
        far=known.of(data.last_bars(test)),
        beside=beside,
        learned=learned,
    )


def _joined_rows(steps: list[Judged]) -> Judged:
    if len(steps) == 1:
        return steps[0]
    names = ("y", "ambiguous", "t0", "t1", "market")
    prior = np.concatenate([np.tile(s.prior, (len(s.y), 1)) for s in steps])
    arrays = {name: np.concatenate([getattr(s, name) for s in steps]) for name in names}
    return evaluation.Judged(prior=prior, horizon=steps[0].horizon, step_ms=steps[0].step_ms, **arrays)
