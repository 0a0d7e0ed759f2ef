"""The card and the files of a version, from a walk that has been scored."""

import json
import platform
from importlib import metadata

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import (
    abstaining,
    artefacts,
    baselines,
    checkpoints,
    config,
    conformal,
    evaluation,
    features,
    naive_split,
    network,
    report,
    verdict,
    walk_regimes,
)
from ml.card import SKILLED, Baseline, Card, Fold, SeedRun, WalkForward
from ml.card_parts import Abstained, Sets
from ml.code_version import code_version
from ml.dataset import Dataset
from ml.leak_report import Report
from ml.network import State
from ml.regimes import Codes
from ml.walk import Step, Walked

LIBRARIES = ("numpy", "ta-lib", "scikit-learn", "onnx", "onnxruntime")


def card(walked: Walked, kinds: Codes, *, leaks: Report, difference: float, now_ms: int) -> Card:
    """Everything that is known about the version; its number comes from the registry. `kinds`: regime of each row."""
    asked, rows, p, newest = walked.config, walked.rows, walked.p, walked.newest
    metrics, beside = evaluation.judge(p, rows), _beside(walked)
    width, shown = report.labels_summary(newest.data), verdict.skill_shown(metrics, beside)
    claimed = verdict.verdict(shown, leaks.state)
    return Card(
        name=asked.family,
        version=None,
        markets=list(asked.markets),
        simulated=any(d.simulated for d in newest.data.data),
        timeframe=asked.timeframe,
        horizon=asked.horizon,
        window=asked.window,
        verdict=claimed,
        better_than_simple_models=verdict.better_than_simple_models(claimed == SKILLED, beside),
        quick_look=not asked.walks or len(asked.seeds) < config.FEW_SEEDS,
        finding=report.finding(metrics, beside),
        reasons=report.reasons(metrics, beside, folds=asked.folds, seeds=len(asked.seeds), leak_lab=leaks.state),
        limits=[*report.limits(newest.data, metrics, width), *_other_code(walked)],
        leak_lab=leaks.state,
        metrics=metrics,
        baselines=beside,
        reliability=evaluation.reliability(p, evaluation.settled(rows.y, rows.ambiguous, p)),
        runs=[_run(walked, n) for n in range(len(asked.seeds))],
        climatology_val_loss=climatology_loss(newest.data),
        labels=width,
        split=report.split_summary(newest.data),
        data=list(newest.data.data),
        features=list(features.FEATURES),
        network=_network(walked),
        environment=environment(),
        code_version=code_version(),
        onnx_max_difference=difference,
        created_ms=now_ms,
        seconds=round(sum(t.told.seconds for t in walked.trained.values()), 3),
        calls=report.newest_calls(asked.markets, p, rows, _ret(walked)),
        skill_shown=shown,
        walk=_walk(walked),
        regimes=walk_regimes.by_regime(walked, kinds),
        sets=_sets(walked),
        abstained=_abstained(walked),
        naive=naive_split.look(newest.data),
    )


def files(walked: Walked, made: Card, model: bytes, kinds: Codes, beside: bytes) -> dict[str, bytes]:
    """What a version's folder holds; `beside`: the baselines that speak with it."""
    newest, asked = walked.newest, walked.config
    stored = {
        "training": asked.to_dict(),
        "k": newest.data.k,
        "temperature": made.network["temperature"],
        "conformal_threshold": newest.threshold,
        "novelty": newest.novelty.to_dict(),
    }
    found = {
        artefacts.WEIGHTS: checkpoints.npz(_weights(walked)),
        artefacts.MODEL: model,
        artefacts.SCALER: newest.data.scaler.to_json().encode(),
        artefacts.CONFIG: json.dumps(stored, indent=1).encode(),
        artefacts.CARD: json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False).encode(),
        artefacts.LABELS: checkpoints.npz(_labels(newest)),
        artefacts.BASELINES: beside,
    }
    return found | ({artefacts.OOS: checkpoints.npz(_out_of_sample(walked, kinds))} if asked.walks else {})


def environment() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **network.versions(),
        **{name: metadata.version(name) for name in LIBRARIES},
    }


def climatology_loss(data: Dataset) -> float:
    """Log loss of the base rates on the validation rows."""
    rows = report.judged(data, data.parts.validation)
    return float(report.losses(np.tile(rows.prior, (len(rows.y), 1)), rows).mean())


def _beside(walked: Walked) -> list[Baseline]:
    """Every baseline over all rows out of sample, each fitted anew in every step."""
    found = []
    for number, known in enumerate(baselines.BASELINES):
        q = np.concatenate([s.beside[number][0] for s in walked.steps])
        said = [s.beside[number][1] for s in walked.steps]
        calls = None if any(one is None for one in said) else np.concatenate([one for one in said if one is not None])
        found.append(report.against(known, q, calls, walked.p, walked.rows))
    shuffled = report.against(baselines.SHUFFLED, walked.shuffled, None, walked.p, walked.rows)
    return [*found, shuffled, report.without_direction(walked.p, walked.rows)]


def _run(walked: Walked, number: int) -> SeedRun:
    """A seed: losses of its network in the newest step, scores over all rows out of sample."""
    told = walked.newest.members[number].told
    found = evaluation.judge(walked.seeds[number], walked.rows)
    return SeedRun(
        seed=walked.config.seeds[number],
        losses=told.losses,
        val_losses=told.val_losses,
        best_epoch=told.best_epoch,
        best_val_loss=told.best_val_loss,
        stopped_early=told.stopped_early,
        seconds=round(sum(s.members[number].told.seconds for s in walked.steps), 3),
        served=True,
        test_log_loss=found.log_loss,
        test_accuracy=found.accuracy,
        test_mcc=found.mcc,
    )


def _network(walked: Walked) -> dict[str, object]:
    asked, members = walked.config, walked.newest.members
    return {
        "kind": "LSTM " + " → ".join(map(str, asked.units)),
        "units": list(asked.units),
        "dropout": asked.dropout,
        "batch_normalisation": True,
        "parameters": int(sum(w.size for w in members[0].weights.values())),
        "members": len(members),
        "batch": asked.batch,
        "learning_rate": asked.learning_rate,
        "epochs": asked.epochs,
        "patience": asked.patience,
        "temperature": round(float(np.mean([m.told.temperature for m in members])), 6),
    }


def _walk(walked: Walked) -> WalkForward:
    asked = walked.config
    return WalkForward(asked.scheme, asked.train_days, asked.stride, [_fold(step) for step in walked.steps])


def _fold(step: Step) -> Fold:
    found = evaluation.judge(step.p, step.rows)
    base = report.losses(np.tile(step.rows.prior, (len(step.p), 1)), step.rows)
    return Fold(
        split=report.split_summary(step.data),
        k=step.data.k,
        temperatures=[m.told.temperature for m in step.members],
        best_epochs=[m.told.best_epoch for m in step.members],
        n=found.n,
        accuracy=found.accuracy,
        mcc=found.mcc,
        log_loss=found.log_loss,
        base_log_loss=float(base.mean()),
    )


def _sets(walked: Walked) -> Sets:
    inside = np.concatenate([s.inside for s in walked.steps])
    y = evaluation.settled(walked.rows.y, walked.rows.ambiguous, walked.p)
    sizes = inside.sum(axis=1)
    return Sets(
        target=conformal.TARGET,
        threshold=walked.newest.threshold,
        coverage=float(inside[np.arange(len(y)), y].mean()),
        mean_size=float(sizes.mean()),
        sizes=[float((sizes == n).mean()) for n in (1, 2, 3)],
    )


def _reasons(walked: Walked) -> npt.NDArray[np.str_]:
    """(rows,) why the model would rather not have called."""
    said = [abstaining.reasons(len(s.p), s.inside, s.far) for s in walked.steps]
    return np.array([word for step in said for word in step])


def _abstained(walked: Walked) -> Abstained:
    why = _reasons(walked)
    answered = why == ""
    y = evaluation.settled(walked.rows.y, walked.rows.ambiguous, walked.p)
    right = walked.p.argmax(axis=1) == y
    return Abstained(
        share=float((~answered).mean()),
        novel=float((why == abstaining.NOVEL).mean()),
        undecided=float((why == abstaining.UNDECIDED).mean()),
        answered=int(answered.sum()),
        answered_accuracy=float(right[answered].mean()) if answered.any() else None,
    )


def _other_code(walked: Walked) -> list[str]:
    if {t.told.code_version for t in walked.trained.values()} <= {code_version()}:
        return []
    return ["Bolt was changed while this was trained: its networks come from different versions of the code."]


def _ret(walked: Walked) -> npt.NDArray[np.float32]:
    return np.concatenate([s.data.rows.ret[s.data.parts.test] for s in walked.steps])


def _weights(walked: Walked) -> State:
    """The weights of every seed; of one alone under their own names."""
    members = walked.newest.members
    if len(members) == 1:
        return members[0].weights
    named = zip(walked.config.seeds, members, strict=True)
    return {f"seed-{seed}/{name}": value for seed, member in named for name, value in member.weights.items()}


def _labels(step: Step) -> State:
    """Every row with its label; `segment`: 0 train, 1 validation, 2 test, −1 none; `test_p` in order of `test_rows`."""
    data, rows = step.data, step.data.rows
    segment = np.full(len(rows.y), -1, dtype=np.int8)
    for number, part in enumerate((data.parts.train, data.parts.validation, data.parts.test)):
        segment[part] = number
    return {
        "market": rows.market,
        "t0": rows.spans.t0,
        "t1": rows.spans.t1,
        "y": rows.y,
        "ret": rows.ret,
        "ambiguous": rows.ambiguous,
        "segment": segment,
        "test_rows": data.parts.test,
        "test_p": step.p.astype(np.float32),
    }


def _out_of_sample(walked: Walked, kinds: Codes) -> State:
    """Rows out of sample as `ml.scorecard` describes them, and what each seed said of them."""
    rows, p = walked.rows, walked.p
    order = np.lexsort((rows.market, rows.t0))
    arrays: dict[str, Floats | npt.NDArray[np.generic]] = {
        "market_id": rows.market.astype(np.int64),
        "open_ms": rows.t0,
        "until_ms": rows.t1,
        "probabilities": p,
        "label": evaluation.settled(rows.y, rows.ambiguous, p),
        "ret": _ret(walked).astype(np.float64),
        "regime": kinds,
        "abstains": _reasons(walked) != "",
        "sets": np.concatenate([s.inside for s in walked.steps]),
        "novelty": np.concatenate([s.far for s in walked.steps]),
        "fold": walked.fold(),
        "seed_probabilities": walked.seeds.transpose(1, 0, 2).astype(np.float32),
    }
    return {name: array[order] for name, array in arrays.items()}
