"""Drawing up a scorecard: settled calls beside baselines on the same candles, with intervals. Calculating only."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from core.ohlcv import Floats, Times
from ml import comparison, evaluation, power, regimes, score_intervals
from ml.card import Comparison
from ml.evaluation import Classes
from ml.scorecard import (
    ENOUGH,
    FORM,
    MODELS,
    POINTS,
    RULES,
    Coverage,
    Direction,
    Flags,
    Habits,
    Saved,
    Scorecard,
    Settled,
    Side,
    Slice,
    best_rule,
)

COVERAGE = 0.9  # share of outcomes a conformal set promises to hold
LEVELS = (0.05, 0.01, 0.001, 0.0001)  # one-sided p-values of evidence weak, moderate, strong, very strong

BASELINES = {
    "climatology": ("Base rates", "quotes how often each class happened in training"),
    "majority": ("Majority", "always calls the class that happened most in training"),
    "persistence": ("Persistence", "repeats the outcome that was known last"),
    "momentum": ("Momentum", "calls the direction of the last bars, one horizon of them"),
    "logistic": (
        "Logistic regression",
        "linear in the last bar's ten features, fitted when the model was trained",
    ),
    "boosting": ("Gradient boosting", "boosted trees on the same windows, fitted when the model was trained"),
}
NAMING = ("persistence", "momentum")  # rules that name a class, each its own


def draw_up(rows: Settled, habits: Habits, *, horizon: int, step_ms: int) -> Scorecard | None:
    """The scorecard of at least one settled call; None where there is none."""
    if not len(rows):
        return None
    worth = _worth(rows, step_ms)
    losses = evaluation.log_losses(rows.p, rows.y)
    model = _model(rows, worth, horizon)
    lap = comparison.overlapping(rows.open_ms, horizon * step_ms)
    known = [key for key in BASELINES if _known(key, rows).all()]
    baselines = [_rule(key, rows, habits, worth, horizon, (losses, lap)) for key in known]
    base = _base(rows, habits)
    mine, theirs = evaluation.briers(rows.p, rows.y), evaluation.briers(base, _outcome(rows, base))
    made = rows.where(~rows.abstained)
    bins = evaluation.reliability(made.p, made.y) if len(made) else []
    gain = losses_of(rows, base) - losses
    level = evidence(baselines) if len(rows) >= ENOUGH else None
    return Scorecard(
        n=len(rows),
        abstained=int(rows.abstained.sum()),
        n_eff=worth,
        first_ms=int(rows.open_ms[0]),
        last_ms=int(rows.open_ms[-1]),
        horizon=horizon,
        model=model,
        baselines=baselines,
        skill=_skill(mine, theirs),
        skill_interval=score_intervals.skill_interval(rows, mine, theirs, horizon=horizon),
        level=level,
        direction=_direction(made, step_ms),
        coverage=_coverage(rows, step_ms),
        regimes=_by_regime(rows, habits, step_ms, horizon),
        reliability=bins,
        saved=_saved(rows.open_ms, gain),
        finding=_finding(len(rows), baselines),
        detail=_detail(len(rows), model, baselines),
        note=too_few(len(rows), model.n),
        form=FORM,
    )


def evidence(baselines: Sequence[Side]) -> int:
    """Cells 0 to 4: how far luck is ruled out against every simple rule; baselines that are models do not count."""
    worst = max((b.saves.p_value for b in baselines if b.saves is not None and b.key in RULES), default=1.0)
    return sum(worst < limit for limit in LEVELS)


def losses_of(rows: Settled, q: Floats) -> Floats:
    """(n,) log losses of other probabilities on the rows."""
    return evaluation.log_losses(q, _outcome(rows, q))


def _outcome(rows: Settled, q: Floats) -> Classes:
    """What counts as the outcome for a forecast: where both barriers fell in one bar, its less likely side."""
    return evaluation.settled(rows.y, rows.ambiguous, q)


def _base(rows: Settled, habits: Habits) -> Floats:
    return np.tile(np.asarray(habits.base_rates, dtype=np.float64), (len(rows), 1))


def _known(key: str, rows: Settled) -> Flags:
    if key in MODELS:
        return np.asarray(np.isfinite(getattr(rows, key)).all(axis=1), dtype=bool)
    return np.asarray(getattr(rows, key) >= 0 if key in NAMING else np.ones(len(rows)), dtype=bool)


def too_few(settled: int, made: int) -> str:
    """Why scores are missing; empty where all are there."""
    if settled < ENOUGH:
        return f"{settled} of {ENOUGH} settled calls: too few to score."
    return "" if made >= ENOUGH else f"{made} of {ENOUGH} calls not abstained from: too few to say how often."


def _model(rows: Settled, worth: float, horizon: int) -> Side:
    said = rows.p.argmax(axis=1).astype(np.int8)
    return _side("model", "This model", "", rows, rows.p, said, worth=worth, horizon=horizon)


def _rule(
    key: str, rows: Settled, habits: Habits, worth: float, horizon: int, against: tuple[Floats, int] | None = None
) -> Side:  # fmt: skip
    """A baseline on the rows, compared where the model's log losses are given, and how many calls overlap: not every
    bar need have been called, and kinds of market come in stretches."""
    said = getattr(rows, key) if key in NAMING else None
    if key in MODELS:
        q = getattr(rows, key)
        said = q.argmax(axis=1).astype(np.int8)
    elif said is None:
        q = _base(rows, habits)
        said = np.full(len(rows), int(np.argmax(habits.base_rates)), dtype=np.int8)
    else:
        q = np.asarray(getattr(habits, key), dtype=np.float64)[said]
    saves = None
    if against is not None:
        saves = comparison.compare(against[0], losses_of(rows, q), rows.open_ms, horizon=against[1])
    return _side(key, *BASELINES[key], rows, q, said, worth=worth, horizon=horizon, saves=saves)


def _side(
    key: str, title: str, about: str, rows: Settled, q: Floats, said: Classes, *,
    worth: float, horizon: int, saves: Comparison | None = None,
) -> Side:  # fmt: skip
    y, made = _outcome(rows, q), ~rows.abstained
    found = score_intervals.score(rows, q, y, said, horizon=horizon, worth=worth)
    return Side(
        key=key,
        title=title,
        about=about,
        n=int(made.sum()),
        right=int((said == y)[made].sum()),
        log_loss=float(evaluation.log_losses(q, y).mean()),
        brier=float(evaluation.briers(q, y).mean()),
        saves=saves,
        **asdict(found),
    )


def _wilson(right: int, n: int, worth: float) -> list[float] | None:
    return list(power.wilson(right / n, max(worth, 1.0))) if n else None


def _worth(rows: Settled, step_ms: int) -> float:
    one_market = np.zeros(len(rows), dtype=np.int16)
    return evaluation.effective_size(rows.open_ms, rows.until_ms, one_market, step_ms) if len(rows) else 0.0


def _direction(made: Settled, step_ms: int) -> Direction:
    said = made.p.argmax(axis=1)
    clear = made.where((said != 1) & (made.y != 1))
    right = int((clear.p.argmax(axis=1) == clear.y).sum())
    n, worth = len(clear), _worth(clear, step_ms)
    rate = right / n if n else None
    return Direction(n, right, worth, rate, _wilson(right, n, worth), power.TARGET, power.needed(power.TARGET))


def _coverage(rows: Settled, step_ms: int) -> Coverage | None:
    told = np.asarray(rows.held.any(axis=1), dtype=np.bool_)
    asked = rows.where(told)
    if not len(asked):
        return None
    held = int(asked.held[np.arange(len(asked)), asked.y].sum())
    rate, worth = held / len(asked), _worth(asked, step_ms)
    return Coverage(len(asked), held, COVERAGE, rate, list(power.wilson(rate, max(worth, 1.0))))


def _by_regime(rows: Settled, habits: Habits, step_ms: int, horizon: int) -> list[Slice]:
    """One line a direction and one a mood, where there are calls."""
    kinds = regimes.groups(rows.regime)
    return [_slice(name, rows.where(inside), habits, step_ms, horizon) for name, inside in kinds if inside.any()]


def _slice(key: str, rows: Settled, habits: Habits, step_ms: int, horizon: int) -> Slice:
    worth, enough = _worth(rows, step_ms), len(rows) >= ENOUGH
    model = _model(rows, worth, horizon)
    baselines = [_rule(rule, rows, habits, worth, horizon) for rule in BASELINES if _known(rule, rows).all()]
    return Slice(
        key=key,
        n=len(rows),
        right=model.right,
        hit_rate=model.hit_rate,
        interval=model.interval,
        best=best_rule(baselines),
        log_loss=model.log_loss,
        base_log_loss=baselines[0].log_loss,
        abstained=int(rows.abstained.sum()),
        n_eff=worth,
        note=too_few(len(rows), model.n),
        model=model if enough else None,
        baselines=baselines if enough else [],
    )


def _saved(open_ms: Times, gain: Floats) -> Saved:
    total = np.cumsum(gain)
    at = np.unique(np.linspace(0, len(total) - 1, min(POINTS, len(total))).round().astype(int))
    return Saved(open_ms[at].tolist(), [round(float(v), 4) for v in total[at]])


def _skill(mine: Floats, base: Floats) -> float:
    reference = float(base.mean())
    return 1 - float(mine.mean()) / reference if reference > 0 else 0.0


def _finding(n: int, baselines: list[Side]) -> str:
    if n < ENOUGH:
        return f"{n} of {ENOUGH} calls have settled: too few to say how often this model is right."
    saves = next(b.saves for b in baselines if b.key == "climatology")
    start = f"Over {n:,} settled calls this model"
    if saves is None or saves.gain <= 0:
        return f"{start} did no better than quoting base rates."
    if not saves.beats:
        return f"{start} lost a little less than base rates, which may be chance."
    lost = {b.key: b.title.lower() for b in baselines if b.saves is not None and not b.saves.beats}
    if rules := [title for key, title in lost.items() if key in RULES]:
        return f"{start} lost less than base rates, but against {' and '.join(rules)} its lead may be chance."
    if lost:
        return f"{start} lost less than every simple rule; it does not beat {' and '.join(lost.values())}."
    return f"{start} lost less than every simple rule."


def _detail(n: int, model: Side, baselines: list[Side]) -> str:
    base = next(b for b in baselines if b.key == "climatology")
    if n < ENOUGH or base.saves is None:
        return "Rates are shown from 100 settled calls on; until then every single call is listed."
    low, high = base.saves.interval
    zero = "which includes zero" if low <= 0 <= high else "which does not include zero"
    return (
        f"Log loss {model.log_loss:.4f} against {base.log_loss:.4f}; the difference, {_signed(base.saves.gain)} a "
        f"call, has a 95% interval of {_signed(low)} to {_signed(high)}, {zero}."
    )


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):.4f}"
