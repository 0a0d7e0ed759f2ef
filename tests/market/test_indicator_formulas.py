"""The indicators beyond the first ones, each against its formula written out by hand, once warmed up."""

from collections.abc import Callable

import numpy as np
import pytest

from core.ohlcv import Floats
from market.indicators.catalog import CATALOG, parse
from market.indicators.compute import compute
from tests.candles import walk

N, TAIL = 2_600, 400  # bars, and those of them that are compared: every beginning is forgotten there
C = walk(N, seed=5)
O, H, L, X, V = C.open, C.high, C.low, C.close, C.volume  # noqa: E741
TYPICAL = (H + L + X) / 3


def rolled(series: Floats, bars: int, how: Callable[..., Floats]) -> Floats:
    out = np.full(len(series), np.nan)
    out[bars - 1 :] = how(np.lib.stride_tricks.sliding_window_view(series, bars), axis=1)
    return out


def mean(series: Floats, bars: int) -> Floats:
    return rolled(series, bars, np.mean)


def total(series: Floats, bars: int) -> Floats:
    return rolled(series, bars, np.sum)


def top(series: Floats, bars: int) -> Floats:
    return rolled(series, bars, np.max)


def low(series: Floats, bars: int) -> Floats:
    return rolled(series, bars, np.min)


def weighted(series: Floats, bars: int) -> Floats:
    weights = np.arange(1, bars + 1)
    return rolled(series, bars, lambda w, **_: w @ weights / weights.sum())


def exponential(series: Floats, weight: float) -> Floats:
    out = series.copy()
    for k in range(1, len(out)):
        out[k] = series[k] if np.isnan(out[k - 1]) else out[k - 1] + weight * (series[k] - out[k - 1])
    return out


def ema(series: Floats, bars: int) -> Floats:
    return exponential(series, 2 / (bars + 1))


def wilder(series: Floats, bars: int) -> Floats:
    return exponential(series, 1 / bars)


def before(series: Floats, bars: int = 1) -> Floats:
    return np.concatenate((np.full(bars, np.nan), series[:-bars]))


def change(series: Floats, bars: int = 1) -> Floats:
    return series - before(series, bars)


def rate(bars: int) -> Floats:
    return 100 * (X / before(X, bars) - 1)


TRUE_RANGE = np.fmax(H, before(X)) - np.fmin(L, before(X))
FLOW = ((X - L) - (H - X)) / (H - L) * V


def kama() -> Floats:
    out = X.copy()
    for k in range(10, N):
        way = np.abs(np.diff(X[k - 10 : k + 1])).sum()
        weight = (abs(X[k] - X[k - 10]) / way * (2 / 3 - 2 / 31) + 2 / 31) ** 2
        out[k] = out[k - 1] + weight * (X[k] - out[k - 1])
    return out


def supertrend() -> Floats:
    middle, wide = (H + L) / 2, 3 * wilder(TRUE_RANGE[1:], 10)
    wide = np.concatenate(([np.nan], wide))
    upper, lower, rising = middle + wide, middle - wide, True
    out = np.full(N, np.nan)
    for k in range(2, N):
        upper[k] = upper[k] if upper[k] < upper[k - 1] or X[k - 1] > upper[k - 1] else upper[k - 1]
        lower[k] = lower[k] if lower[k] > lower[k - 1] or X[k - 1] < lower[k - 1] else lower[k - 1]
        rising = X[k] >= lower[k] if rising else X[k] > upper[k]
        out[k] = lower[k] if rising else upper[k]
    return out


def psar() -> Floats:
    out, rising, stop, extreme, speed = np.full(N, np.nan), True, L[0], H[1], 0.02
    for k in range(1, N):
        if (L[k] <= stop) if rising else (H[k] >= stop):
            rising, stop, speed = not rising, extreme, 0.02
            beyond = (L[k - 1], L[k]) if not rising else (H[k - 1], H[k])
            stop = max(stop, *[H[k - 1], H[k]]) if not rising else min(stop, *[L[k - 1], L[k]])
            extreme = beyond[1]
            out[k] = stop
        else:
            out[k] = stop
            better = H[k] > extreme if rising else L[k] < extreme
            if better:
                extreme, speed = (H[k] if rising else L[k]), min(speed + 0.02, 0.2)
        stop = stop + speed * (extreme - stop)
        stop = min(stop, L[k - 1], L[k]) if rising else max(stop, H[k - 1], H[k])
    return out


def t3() -> Floats:
    nested, b = [X], 0.7
    for _ in range(6):
        nested.append(ema(nested[-1], 5))
    weights = {6: -(b**3), 5: 3 * b**2 + 3 * b**3, 4: -6 * b**2 - 3 * b - 3 * b**3, 3: 1 + 3 * b + b**3 + 3 * b**2}
    return sum(weight * nested[k] for k, weight in weights.items())  # type: ignore[return-value]


def linreg() -> Floats:
    return rolled(X, 25, lambda w, **_: np.array([np.polyval(np.polyfit(np.arange(25), row, 1), 24) for row in w]))


def within(series: Floats, bars: int) -> Floats:
    return 100 * (series - low(series, bars)) / (top(series, bars) - low(series, bars))


def stc() -> Floats:
    once = ema(within(ema(X, 23) - ema(X, 50), 10), 3)
    return ema(within(once, 10), 3)


def stochastic_rsi() -> tuple[Floats, Floats]:
    gain, loss = (wilder(np.maximum(sign * np.diff(X, prepend=X[0]), 0), 14) for sign in (1, -1))
    with np.errstate(invalid="ignore"):  # nothing has moved on the first bar
        k = mean(within(100 * gain / (gain + loss), 14), 3)
    return k, mean(k, 3)


def money_flow() -> Floats:
    up, down = (total(np.where(sign * change(TYPICAL) > 0, TYPICAL * V, 0.0), 14) for sign in (1, -1))
    return 100 * up / (up + down)


def ultimate() -> Floats:
    pressure = X - np.fmin(L, before(X))
    parts = [total(pressure, n) / total(TRUE_RANGE, n) for n in (7, 14, 28)]
    return 100 * (4 * parts[0] + 2 * parts[1] + parts[2]) / 7


def tsi() -> tuple[Floats, Floats]:
    step = change(X)
    line = 100 * ema(ema(step, 25), 13) / ema(ema(np.abs(step), 25), 13)
    return line, ema(line, 13)


def ppo() -> tuple[Floats, ...]:
    line = 100 * (ema(X, 12) / ema(X, 26) - 1)
    return line, ema(line, 9), line - ema(line, 9)


def aroon() -> tuple[Floats, Floats]:
    """The newest of equal extremes counts."""
    ago = [rolled(s, 15, lambda w, **_: np.argmax(w[:, ::-1], axis=1).astype(float)) for s in (H, -L)]
    return 100 * (14 - ago[0]) / 14, 100 * (14 - ago[1]) / 14


def bands() -> tuple[Floats, Floats, Floats]:
    wide = 2 * rolled(X, 20, np.std)
    return mean(X, 20) + wide, mean(X, 20), mean(X, 20) - wide


def middle(bars: int) -> Floats:
    return (top(H, bars) + low(L, bars)) / 2


def keltner() -> tuple[Floats, Floats, Floats]:
    wide = 2 * np.concatenate(([np.nan], wilder(TRUE_RANGE[1:], 10)))
    return ema(TYPICAL, 20) + wide, ema(TYPICAL, 20), ema(TYPICAL, 20) - wide


def ease() -> Floats:
    return mean(change((H + L) / 2) * (H - L) / V * 1e8, 14)


def alma() -> Floats:
    weights = [np.exp(-((k - 0.85 * 8) ** 2) / (2 * 1.5**2)) for k in range(9)]
    return rolled(X, 9, lambda w, **_: w @ np.array(weights) / sum(weights))


def mcginley() -> Floats:
    out = X.copy()
    for k in range(1, N):
        out[k] = out[k - 1] + (X[k] - out[k - 1]) / (14 * (X[k] / out[k - 1]) ** 4)
    return out


def regression() -> tuple[Floats, ...]:
    places, fits = np.arange(100.0), np.full((2, N), np.nan)
    for k in range(N - TAIL, N):
        row = X[k - 99 : k + 1]
        line = np.polyval(np.polyfit(places, row, 1), places)
        fits[:, k] = line[-1], np.sqrt(((row - line) ** 2).sum() / 99)
    return fits[0] + 2 * fits[1], fits[0], fits[0] - 2 * fits[1]


def chande_kroll() -> tuple[Floats, Floats]:
    wide = np.concatenate(([np.nan], wilder(TRUE_RANGE[1:], 10)))
    return top(top(H, 10) - wide, 9), low(low(L, 10) + wide, 9)


def relative_volatility() -> Floats:
    spread, rose = rolled(X, 10, np.std)[9:], (change(X) > 0)[9:]
    up, down = wilder(np.where(rose, spread, 0.0), 14), wilder(np.where(rose, 0.0, spread), 14)
    return np.concatenate((np.full(9, np.nan), 100 * up / (up + down)))


def fisher() -> tuple[Floats, Floats]:
    place, out, value = within((H + L) / 2, 9) / 100, np.zeros(N), 0.0
    for k in range(8, N):
        value = float(np.clip(0.66 * (place[k] - 0.5) + 0.67 * value, -0.999, 0.999))
        out[k] = np.arctanh(value) + out[k - 1] / 2
    return out, before(out)


def rsi(series: Floats, bars: int) -> Floats:
    gain, loss = (wilder(np.maximum(sign * np.diff(series, prepend=series[0]), 0), bars) for sign in (1, -1))
    return 100 * gain / (gain + loss)


def connors() -> Floats:
    run = np.zeros(N)
    for k in range(1, N):
        way = np.sign(X[k] - X[k - 1])
        run[k] = run[k - 1] + way if way * run[k - 1] > 0 else way
    rank = rolled(rate(1), 101, lambda w, **_: (w[:, :-1] <= w[:, -1:]).sum(axis=1))
    with np.errstate(invalid="ignore"):  # nothing has moved on the first bar
        return (rsi(X, 3) + rsi(run, 2) + rank) / 3


def symmetric(series: Floats) -> Floats:
    return (series + 2 * before(series) + 2 * before(series, 2) + before(series, 3)) / 6


def vigor() -> tuple[Floats, Floats]:
    line = total(symmetric(X - O), 10) / total(symmetric(H - L), 10)
    return line, symmetric(line)


def stochastic_momentum() -> tuple[Floats, Floats]:
    above, wide = (ema(ema(series, 25), 2) for series in (X - (top(H, 13) + low(L, 13)) / 2, top(H, 13) - low(L, 13)))
    return 200 * above / wide, ema(200 * above / wide, 9)


def klinger() -> tuple[Floats, Floats]:
    force, trend, summed, way = np.full(N, np.nan), 0.0, 0.0, np.sign(change(TYPICAL))
    for k in range(1, N):
        summed = summed + H[k] - L[k] if way[k] in (0, trend) else H[k - 1] - L[k - 1] + H[k] - L[k]
        trend = way[k] or trend
        force[k] = 100 * trend * V[k] * abs(2 * (H[k] - L[k]) / summed - 1)
    line = ema(force, 34) - ema(force, 55)
    return line, ema(line, 13)


FORMULAS: dict[str, Callable[[], Floats | tuple[Floats, ...]]] = {
    "dema": lambda: 2 * ema(X, 20) - ema(ema(X, 20), 20),
    "tema": lambda: 3 * ema(X, 20) - 3 * ema(ema(X, 20), 20) + ema(ema(ema(X, 20), 20), 20),
    "hma": lambda: weighted(2 * weighted(X, 10) - weighted(X, 20), 4),
    "rma": lambda: wilder(X, 14),
    "vwma": lambda: total(X * V, 20) / total(V, 20),
    "kama": kama,
    "zlema": lambda: ema(2 * X - before(X, 9), 20),
    "t3": t3,
    "linreg": linreg,
    "supertrend": supertrend,
    "psar": psar,
    "ichimoku": lambda: (middle(9), middle(26), before((middle(9) + middle(26)) / 2, 26), before(middle(52), 26)),
    "aroon": aroon,
    "vortex": lambda: tuple(total(np.abs(a - before(b)), 14) / total(TRUE_RANGE, 14) for a, b in ((H, L), (L, H))),
    "trix": lambda: 100 * (ema(ema(ema(X, 15), 15), 15) / before(ema(ema(ema(X, 15), 15), 15)) - 1),
    "mass": lambda: total(ema(H - L, 9) / ema(ema(H - L, 9), 9), 25),
    "dpo": lambda: before(X, 11) - mean(X, 21),
    "kst": lambda: (kst(), mean(kst(), 9)),
    "stc": stc,
    "keltner": keltner,
    "donchian": lambda: (top(H, 20), middle(20), low(L, 20)),
    "natr": lambda: 100 * np.concatenate(([np.nan], wilder(TRUE_RANGE[1:], 14))) / X,
    "bbw": lambda: 100 * (bands()[0] - bands()[2]) / bands()[1],
    "bbp": lambda: (X - bands()[2]) / (bands()[0] - bands()[2]),
    "stddev": lambda: rolled(X, 20, np.std),
    "chop": lambda: 100 * np.log10(total(TRUE_RANGE, 14) / (top(H, 14) - low(L, 14))) / np.log10(14),
    "ulcer": lambda: np.sqrt(mean((100 * (X / top(X, 14) - 1)) ** 2, 14)),
    "roc": lambda: rate(9),
    "mom": lambda: change(X, 10),
    "ao": lambda: mean((H + L) / 2, 5) - mean((H + L) / 2, 34),
    "ppo": ppo,
    "tsi": tsi,
    "coppock": lambda: weighted(rate(11) + rate(14), 10),
    "bop": lambda: (X - O) / (H - L),
    "eri": lambda: (H - ema(X, 13), L - ema(X, 13)),
    "stochrsi": stochastic_rsi,
    "cci": lambda: (TYPICAL - mean(TYPICAL, 20)) / (0.015 * rolled(TYPICAL, 20, spread)),
    "mfi": money_flow,
    "willr": lambda: -100 * (top(H, 14) - X) / (top(H, 14) - low(L, 14)),
    "ultosc": ultimate,
    "cmo": lambda: 100 * total(change(X), 9) / total(np.abs(change(X)), 9),
    "ad": lambda: np.cumsum(FLOW),
    "adosc": lambda: ema(np.cumsum(FLOW), 3) - ema(np.cumsum(FLOW), 10),
    "cmf": lambda: total(FLOW, 20) / total(V, 20),
    "efi": lambda: ema(change(X) * V, 13),
    "pvt": lambda: np.cumsum(np.nan_to_num(rate(1)) / 100 * V),
    "pvo": lambda: 100 * (ema(V, 12) / ema(V, 26) - 1),
    "eom": ease,
    "alma": alma,
    "mcginley": mcginley,
    "env": lambda: (1.1 * mean(X, 20), mean(X, 20), 0.9 * mean(X, 20)),
    "lrc": regression,
    "cks": chande_kroll,
    "alligator": lambda: tuple(before(wilder((H + L) / 2, bars), by) for bars, by in ((13, 8), (8, 5), (5, 3))),
    "hv": lambda: 100 * np.sqrt(365 * 24) * rolled(np.log(X / before(X)), 10, np.std),
    "adr": lambda: mean(H - L, 14),
    "rvi": relative_volatility,
    "fisher": fisher,
    "crsi": connors,
    "rvgi": vigor,
    "smi": stochastic_momentum,
    "kvo": klinger,
}
BY_HAND_ELSEWHERE = {"sma", "ema", "wma", "bb", "vwap", "rsi", "macd", "stoch", "atr", "adx", "obv"}  # test_indicators
BY_HAND_ELSEWHERE |= {"pivots", "svwap", "zigzag", "fractals"}  # test_by_calendar, test_hindsight


def kst() -> Floats:
    return sum(w * mean(rate(r), m) for w, (r, m) in enumerate(((10, 10), (15, 10), (20, 10), (30, 15)), 1))  # type: ignore[return-value]


def spread(rows: Floats, axis: int) -> Floats:
    return np.abs(rows - rows.mean(axis=1, keepdims=True)).mean(axis=axis)


@pytest.mark.parametrize("key", list(FORMULAS))
def test_values_are_those_of_the_formula(key: str) -> None:
    made = FORMULAS[key]()
    expected = made if isinstance(made, tuple) else (made,)
    for line, by_hand in zip(compute(C, parse(key)).values(), expected, strict=True):
        np.testing.assert_allclose(line[-TAIL:], by_hand[-TAIL:], rtol=1e-7, atol=1e-8)


def test_every_indicator_is_written_out_by_hand() -> None:
    assert set(FORMULAS) | BY_HAND_ELSEWHERE == set(CATALOG)
