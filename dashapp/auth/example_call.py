"""The drawing beside the sign-in form: a call as Bolt shows it, on invented candles, marked Example."""

import math
from functools import cache

WIDTH, HEIGHT, NOW = 880, 620, 720  # of the drawing; the call stands right of NOW
COUNT = 60
CALL = (("Bullish", 24, "up", 160.0), ("Neutral", 43, "flat", 270.0), ("Bearish", 33, "down", 380.0))
PIXELS_PER_CENT = 2.2


def _wave(at: float) -> float:
    """An invented price, a sum of sines: smooth, bounded, the same every time."""
    return 310 + 190 * math.sin(at / 9.5) * math.cos(at / 23) - 60 * math.sin(at / 3.7) + 26 * math.sin(at * 1.9)


def _candles() -> str:
    step, drawn = NOW / COUNT, []
    for index in range(COUNT):
        begin, end = _wave(index), _wave(index + 1)
        wick = 8 + 14 * abs(math.sin(index * 2.3))
        x, top, bottom = step * (index + 0.5), min(begin, end), max(begin, end)
        up = end <= begin  # the y axis points down
        colour = "var(--up)" if up else "var(--down)"
        fill = "var(--surface-0)" if up else colour
        drawn.append(
            f'<path d="M{x:.1f} {top - wick:.1f}V{bottom + wick:.1f}" stroke="{colour}"/>'
            f'<rect x="{x - 3.2:.1f}" y="{top:.1f}" width="6.4" height="{max(1.0, bottom - top):.1f}" '
            f'fill="{fill}" stroke="{colour}"/>'
        )
    return "".join(drawn)


def _bar(word: str, share: int, kind: str, y: float) -> str:
    leads = share == max(s for _, s, _, _ in CALL)
    width, weight = share * PIXELS_PER_CENT, 600 if leads else 400
    return (
        f'<rect x="{NOW}" y="{y}" width="{width:.0f}" height="20" fill="var(--{kind})" '
        f'fill-opacity="{1 if leads else 0.3}" stroke="var(--{kind})"/>'
        f'<text x="{NOW}" y="{y - 7}" fill="var(--text-2)">{word} <tspan font-weight="{weight}">{share}%</tspan></text>'
    )


@cache
def drawing() -> str:
    """The drawing as SVG, in the colours of the page's theme."""
    lines = "".join(f'<path d="M0 {y}H{WIDTH}" stroke="var(--border-hair)"/>' for y in range(60, HEIGHT, 125))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" height="100%" role="img" '
        'aria-label="Example of a call: bullish 24%, neutral 43%, bearish 33% over the next 24 hours" '
        f'font-size="12" fill="none">{lines}{_candles()}'
        f'<path d="M{NOW} 20V{HEIGHT}" stroke="var(--text-4)" stroke-dasharray="1 3"/>'
        f'<text x="{NOW + 5}" y="30" fill="var(--text-3)">next 24 h</text>'
        f"{''.join(_bar(*part) for part in CALL)}</svg>"
    )
