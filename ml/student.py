"""Student's t and the incomplete beta function without SciPy, which would cost the web process more memory than all of
Bolt's mathematics."""

import math

STEPS = 500  # of the continued fraction; it converges in about √(degrees) of them
TINY = 1e-300
CLOSE = 1e-15


def upper_tail(t: float, degrees: float) -> float:
    """P(T > t): ½ I_x(ν/2, ½) with x = ν / (ν + t²), mirrored below 0 (Abramowitz & Stegun 26.7.1)."""
    half = 0.5 * incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return half if t > 0 else 1 - half


def critical(tail: float, degrees: float) -> float:
    """The t above which a share `tail` (below ½) lies, by bisection."""
    low, high = 0.0, 1.0
    while upper_tail(high, degrees) > tail:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if upper_tail(middle, degrees) > tail else (low, middle)
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - incomplete_beta(1 - x, b, a)
    front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of DLMF 8.17.22 by Lentz's method."""
    c, d = 1.0, _away(1 - (a + b) * x / (a + 1))
    d = 1 / d
    found = d
    for m in range(1, STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < CLOSE:
            break
    return found


def _away(value: float) -> float:
    """Keep a denominator away from zero."""
    return value if abs(value) > TINY else TINY
