"""Judging a trained model beside its baselines, and saying in plain words what came out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.ohlcv import Floats
from ml import baselines, comparison, config, evaluation, mcnemar, outlook, verdict
from ml.baselines import Known, Rows
from ml.card import NO_SKILL, Baseline, Labels, Metrics, Segment, Split, TestCalls
from ml.dataset import Classes, Dataset
from ml.evaluation import Judged
from ml.labels import shares

Floats32 = npt.NDArray[np.float32]

SHOWN_CALLS = 1_000  # test calls a card keeps per market
NEEDED = ((0.53, 1_717), (0.55, 617), (0.60, 153))  # independent calls that can confirm a hit rate (5 %, power 80 %)
LEAK_LAB = "not run"
VERDICT = NO_SKILL  # until the conditions in `ml.verdict` hold


def judged(dataset: Dataset, rows: Rows) -> Judged:
    """What forecasters are scored on over `rows`."""
    all_rows = dataset.rows
    return Judged(
        y=all_rows.y[rows],
        ambiguous=all_rows.ambiguous[rows],
        t0=all_rows.spans.t0[rows],
        t1=all_rows.spans.t1[rows],
        market=all_rows.market[rows],
        prior=baselines.prior(dataset),
        horizon=dataset.config.horizon,
        step_ms=dataset.config.step.ms,
    )


def losses(p: Floats, rows: Judged) -> Floats:
    return evaluation.log_losses(p, evaluation.settled(rows.y, rows.ambiguous, p))


def right(p: Floats, rows: Judged, said: Classes | None = None) -> npt.NDArray[np.bool_]:
    """(n,) whether the call was right; `said` where it is not simply the likeliest class."""
    called = p.argmax(axis=1) if said is None else said
    found: npt.NDArray[np.bool_] = called == evaluation.settled(rows.y, rows.ambiguous, p)
    return found


def beside(dataset: Dataset, p: Floats, rows: Judged) -> list[Baseline]:
    """Every baseline over the test rows, and the model against it."""
    found = [against(b, *b.forecast(dataset, dataset.parts.test), p, rows) for b in baselines.BASELINES]
    return [*found, without_direction(p, rows)]


def without_direction(p: Floats, rows: Judged) -> Baseline:
    """The model against itself once it knows nothing of the side.

    Its sides are then those of base rates or its own on average, whichever loses less: a lean that never changes is no
    direction, even where it lies nearer to the truth than base rates of a short training span do (ADR 0017).
    """
    ways = [baselines.undirected(p, sides) for sides in (rows.prior, p.mean(axis=0))]
    q = min(ways, key=lambda one: float(losses(one, rows).mean()))
    return against(baselines.UNDIRECTED, q, None, p, rows)


def against(known: Known, q: Floats, said: Classes | None, p: Floats, rows: Judged) -> Baseline:
    """A baseline that said `q` over the rows, and the model, which said `p`, against it."""
    overlap = comparison.overlapping(rows.t0, rows.horizon * rows.step_ms)
    metrics = evaluation.judge(q, rows, said)
    return Baseline(
        key=known.key,
        title=known.title,
        about=known.about,
        simple=known.simple,
        metrics=metrics,
        model_against=comparison.compare(losses(p, rows), losses(q, rows), rows.t0, horizon=overlap),
        mcnemar=mcnemar.compare(right(p, rows), right(q, rows, said), independent=metrics.independent),
    )


def finding(metrics: Metrics, beside: list[Baseline]) -> str:
    """The sentence a page opens with: whether the model beats its baselines, with the numbers."""
    beside = [b for b in beside if b.key != baselines.UNDIRECTED.key]  # that is the model itself
    base = next(b for b in beside if b.key == "climatology")
    better = [b.title for b in beside if b.metrics.log_loss <= metrics.log_loss]
    against, start = base.model_against, f"Over {metrics.n:,} test calls the LSTM"
    numbers = f"log loss {metrics.log_loss:.4f} against {base.metrics.log_loss:.4f} for base rates"
    if against.gain <= 0:
        text = f"{start} did no better than quoting base rates: {numbers}."
    elif not against.beats:
        text = f"{start} lost a little less than base rates, which may be chance: {numbers}, {chance(against.p_value)}."
    else:
        text = f"{start} lost less than base rates: {numbers}, {chance(against.p_value)}."
    if others := [title for title in better if title != base.title]:
        return f"{text} It does not beat {_listed(others)}."
    if unproven := [b.title for b in beside if b is not base and not b.model_against.beats]:
        return f"{text} Against {_listed(unproven)} its lead may be chance." if against.gain > 0 else text
    return f"{text} It loses less than every other baseline." if against.gain > 0 else text


def reasons(
    metrics: Metrics, beside: list[Baseline], *, folds: int = 1, seeds: int = 1, leak_lab: str = LEAK_LAB
) -> list[str]:
    """Why the verdict is what it is, one line a condition, and what stands in the way of a promotion."""
    lines = []
    for b in beside:
        told = "better" if b.model_against.beats else "not shown to be better"
        lines.append(
            f"Against {_within(b.title)}: {_signed(b.model_against.gain)} nats a call, "
            f"{chance(b.model_against.p_value)}: {told}."
        )
    above = "above" if metrics.skill > 0 else "not above"
    lines.append(f"Brier skill score {_signed(metrics.skill)}: {above} 0.")
    needs = "enough" if verdict.enough(metrics) else "too few"
    lines.append(
        f"{metrics.independent:,.0f} independent calls out of sample: {needs}, a verdict of skill needs "
        f"{verdict.INDEPENDENT}."
    )
    told = "." if leak_lab == verdict.GREEN else "; a verdict of skill needs a green report."
    lines.append(f"Leak lab: {leak_lab}{told}")
    if folds > 1:
        lines.append(f"Scored out of sample over {folds} folds of a walk-forward, each trained on what came before it.")
    else:
        lines.append("Scored on one test period: a quick look, never promoted. Promotion needs a walk-forward.")
    if seeds < config.FEW_SEEDS:
        lines.append(f"{seeds} of at least {config.FEW_SEEDS} seeds: a quick look, never promoted.")
    return lines


def limits(dataset: Dataset, metrics: Metrics, width: Labels) -> list[str]:
    """What the card cannot show."""
    lines = []
    if any(d.simulated for d in dataset.data):
        lines.append("Learned from simulated candles: it says nothing about a real market.")
    if len(dataset.config.seeds) < config.FEW_SEEDS:
        lines.append(f"A quick look: {len(dataset.config.seeds)} of at least {config.FEW_SEEDS} seeds.")
    rate, needed = next(((r, n) for r, n in NEEDED if n > metrics.n_eff), NEEDED[0])
    if metrics.n_eff < NEEDED[0][1]:
        lines.append(
            f"The test calls overlap: they are worth about {metrics.n_eff:,.0f} independent ones; confirming a hit "
            f"rate of {rate:.0%} takes {needed:,}."
        )
    lines.append(outlook.told(width.cost, width.typical_barrier))
    if not outlook.worth(width.cost, width.typical_barrier):
        lines.append(outlook.TOO_NEAR)
    if (metrics.hit_rate or 0.0) > 0.6 or metrics.mcc > 0.2:
        lines.append("Better than is plausible for a liquid market: treat it as a leak until the leak lab clears it.")
    train = shares(dataset.rows.y[dataset.parts.train])
    if train.min() < 0.25 or train.max() > 0.45:
        lines.append("The classes are uneven in the train rows: " + ", ".join(f"{s:.0%}" for s in train) + ".")
    return lines


def labels_summary(dataset: Dataset) -> Labels:
    barrier = float(np.expm1(np.median(dataset.rows.width[dataset.parts.train])))
    cost = dataset.config.cost
    return Labels(
        k=dataset.k,
        sigma_span=dataset.config.sigma_span,
        typical_barrier=barrier,
        cost=cost,
        break_even=outlook.break_even(cost, barrier),
        without_label=dataset.without_label,
    )


def split_summary(dataset: Dataset) -> Split:
    parts, (first, second) = dataset.parts, dataset.parts.dropped
    return Split(
        train=_segment(dataset, parts.train, 0),
        validation=_segment(dataset, parts.validation, first),
        test=_segment(dataset, parts.test, second),
        embargo_bars=dataset.embargo_bars,
    )


def _segment(dataset: Dataset, rows: Rows, dropped: int) -> Segment:
    t0, y = dataset.rows.spans.t0[rows], dataset.rows.y[rows]
    ambiguous = int(dataset.rows.ambiguous[rows].sum())
    return Segment(int(t0[0]), int(t0[-1]), len(rows), [float(s) for s in shares(y)], ambiguous, dropped)


def test_calls(dataset: Dataset, p: Floats, rows: Judged) -> dict[str, TestCalls]:
    """The newest calls of the test period per market."""
    return newest_calls(dataset.config.markets, p, rows, dataset.rows.ret[dataset.parts.test])


def newest_calls(markets: Sequence[str], p: Floats, rows: Judged, ret: Floats32) -> dict[str, TestCalls]:
    """The newest calls out of sample per market; `ret`: log returns of the rows."""
    outcome = evaluation.settled(rows.y, rows.ambiguous, p)
    found = {}
    for number, name in enumerate(markets):
        mine = np.nonzero(rows.market == number)[0][-SHOWN_CALLS:]
        found[name] = TestCalls(
            time_ms=rows.t0[mine].tolist(),
            until_ms=rows.t1[mine].tolist(),
            call=p[mine].argmax(axis=1).tolist(),
            outcome=outcome[mine].tolist(),
            probabilities=np.round(p[mine], 4).tolist(),
            log_return=[round(float(r), 6) for r in ret[mine]],
            ambiguous=rows.ambiguous[mine].tolist(),
        )
    return found


def chance(p_value: float) -> str:
    """A p-value in words: never an impossible 0 or 1."""
    if p_value < 0.001:
        return "p < 0.001"
    return "p > 0.999" if p_value > 0.999 else f"p = {p_value:.3f}"


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):.4f}"


def _listed(titles: list[str]) -> str:
    words = [_within(t) for t in titles]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _within(title: str) -> str:
    """A title as it stands within a sentence; an acronym keeps its letters."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]
