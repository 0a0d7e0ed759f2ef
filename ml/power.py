"""How much a number of calls can tell: intervals of a share, and how many calls confirm a hit rate."""

from math import ceil, sqrt

ONE_SIDED, POWER_80 = 1.645, 0.842  # standard normal quantiles of 95 % and 80 %
Z95 = 1.96
TARGET = 0.53  # the hit rate a good model of a liquid market may reach


def needed(rate: float, base: float = 0.5) -> int:
    """Independent calls that show a hit rate of `rate` to lie above `base`: one-sided 5 %, power 80 %.

    n = ((z₀.₉₅·√(p₀q₀) + z₀.₈₀·√(p₁q₁)) / (p₁ − p₀))², rounded up (Fleiss, Statistical Methods, ch. 3).
    """
    if not 0 < base < rate < 1:
        raise ValueError("The rate to be confirmed must lie above the base, both between 0 and 1.")
    spread = ONE_SIDED * sqrt(base * (1 - base)) + POWER_80 * sqrt(rate * (1 - rate))
    return ceil((spread / (rate - base)) ** 2)


def wilson(share: float, n: float) -> tuple[float, float]:
    """95 % Wilson score interval of a share seen in `n` trials (Wilson 1927); `n` may be an effective number."""
    if n <= 0:
        return 0.0, 1.0
    z2 = Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
