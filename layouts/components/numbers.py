"""Numbers and times as text, one rule for each kind, the same everywhere; signs and dates as `core.locales` has them.

Text is for labels, tables and tooltips; `tiny` and the other components are for prices with many zeros. Missing is a
dash, zero is 0, minus is U+2212, and no number is ever written with an exponent.
"""

import math
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from dash import html
from dash.development.base_component import Component

from core import locales

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EM DASH}"
UNITS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"))
MOST_DECIMALS = 18  # what any exchange quotes
WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)  # digits enough for any float64

Number = float | int | Decimal


def missing(value: Number | None) -> bool:
    """True for None, NaN and infinities: they have no figure."""
    return value is None or not math.isfinite(value)


def fixed(value: Number | None, decimals: int) -> str:
    """`1,234.50`: so many decimals, thousands apart, a true minus, never a minus before zero."""
    return MISSING if value is None or missing(value) else _written(_fixed(value, decimals))


def price(value: Number | None, decimals: int | None = None) -> str:
    """A price with the decimals of its tick; without one two over 1,000, else five significant digits."""
    if value is None or missing(value):
        return MISSING
    return fixed(value, price_decimals(value) if decimals is None else decimals)


def price_decimals(value: Number) -> int:
    """Decimals of a price whose tick is not known."""
    size = abs(_exact(value))
    if size >= 1_000 or size == 0:
        return 2
    return min(MOST_DECIMALS, max(2, 4 - size.adjusted()))


def tiny(value: Number | None, decimals: int | None = None) -> Component | str:
    """A price for a table: leading zeros dimmed, below 1e-8 counted in a subscript; copying gives the plain number."""
    if value is None or missing(value):
        return MISSING
    plain = _fixed(value, price_decimals(value) if decimals is None else decimals)
    text, digits = _written(plain), plain.removeprefix(MINUS)
    if not digits.startswith("0.00") or not digits.strip("0."):
        return text
    sign = plain[: len(plain) - len(digits)]
    zeros = len(digits) - 2 - len(digits[2:].lstrip("0"))
    rest = digits[2 + zeros :]
    if zeros < 8:
        return html.Span([sign, html.Span(_written(digits[: 2 + zeros]), className="nz"), rest], title=text)
    short = [sign, html.Span(_written("0.0"), className="nz"), html.Sub(str(zeros), className="nz"), rest]
    hidden = {"aria-hidden": "true"}
    return html.Span(
        [html.Span(short, className="short", **hidden), html.Span(text, className="visually-hidden")], title=text
    )


def percent(share: Number | None, decimals: int = 0) -> str:
    """A share such as 0.392 as `39%`."""
    return MISSING if share is None or missing(share) else fixed(_exact(share) * 100, decimals) + "%"


def change(share: Number | None, decimals: int = 2) -> str:
    """A relative change such as -0.0164 as `−1.64%`: always a sign, but none for zero."""
    if share is None or missing(share):
        return MISSING
    return _signed(_exact(share) * 100, decimals) + "%"


def points(share: Number | None, decimals: int = 1) -> str:
    """A difference of shares such as 0.002 as `+0.2 pp`."""
    if share is None or missing(share):
        return MISSING
    return _signed(_exact(share) * 100, decimals) + " pp"


def signed(value: Number | None, decimals: int = 2) -> str:
    """A difference: `+0.12`, `−0.12`, `0.00`."""
    return MISSING if value is None or missing(value) else _signed(_exact(value), decimals)


def tone(value: Number | None, decimals: int = 2) -> str:
    """The class of a change: `up`, `down`, or none for what is shown as zero or is missing."""
    text = change(value, decimals)
    return "up" if text.startswith("+") else "down" if text.startswith(MINUS) else ""


def money(value: Number | None, currency: str = "$") -> str:
    """`$1.86T`, `$741M`, `$12.50`: three significant digits from a thousand on, cents below."""
    if value is None or missing(value):
        return MISSING
    size = abs(_exact(value))
    text = _compact(size) if size >= 1_000 else _fixed(size, 2)
    return f"{MINUS if _exact(value) < 0 and text.strip('0.') else ''}{currency}{_written(text)}"


def compact(value: Number | None) -> str:
    """Three significant digits with K, M, B or T: `377`, `1.28B`, `−45.6K`."""
    return MISSING if value is None or missing(value) else _written(_compact(_exact(value)))


def count(value: Number | None) -> str:
    """A whole number with thousands apart."""
    return fixed(value, 0)


def whole_percents(shares: list[float]) -> list[int]:
    """Shares that add up to 1 as whole per cent that add up to 100: the largest remainders are rounded up."""
    total = sum(shares)
    if not shares or missing(total) or total <= 0:
        return [0 for _ in shares]
    scaled = [share / total * 100 for share in shares]
    floors = [math.floor(s) for s in scaled]
    order = sorted(range(len(scaled)), key=lambda k: (floors[k] - scaled[k], k))
    for k in order[: 100 - sum(floors)]:
        floors[k] += 1
    return floors


def interval(point: Number | None, low: Number | None, high: Number | None, decimals: int = 1) -> str:
    """A share with its interval: `39.2% [34.7, 43.9]`."""
    if low is None or high is None or missing(low) or missing(high):
        return percent(point, decimals)
    return f"{percent(point, decimals)} {bounds(*(fixed(_exact(x) * 100, decimals) for x in (low, high)))}"


def bounds(low: str, high: str) -> str:
    """Two written numbers as `[34.7, 43.9]`."""
    return f"[{low}{locales.current().list_sign}{high}]"


def moment(at: datetime | None, *, now: datetime) -> str:
    """`23:41` today, `26 Dec 08:12` this year, `26 Dec 2023` before; UTC."""
    if at is None:
        return MISSING
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    if at.date() == now.date():
        return f"{at:%H:%M}"
    return f"{locales.current().short_date(at)} {at:%H:%M}" if at.year == now.year else date(at)


def exact_moment(at: datetime | None) -> str:
    """`Mon 30 Dec 2024, 23:00 UTC`, for tooltips and sentences."""
    if at is None:
        return MISSING
    return f"{locales.DAYS[at.astimezone(UTC).weekday()]} {locales.current().exact(at)}"


def date(at: datetime | None) -> str:
    """`26 Dec 2023`; UTC."""
    return MISSING if at is None else locales.current().full_date(at)


def dates(first: datetime, last: datetime) -> str:
    """`26 Dec 2023 – 5 Jan 2024`; UTC."""
    return f"{date(first)} – {date(last)}"


def minute(at: datetime | None) -> str:
    """`26 Dec 2023 08:12`, without a zone, where a table's head or a sentence says UTC."""
    return MISSING if at is None else f"{date(at)} {at.astimezone(UTC):%H:%M}"


def age(seconds: Number | None) -> str:
    """`2 s`, `41 min`, `23 h`, `3 d`: how long, in the largest unit that is not less than one."""
    if seconds is None or missing(seconds):
        return MISSING
    left = max(0, int(seconds))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if left >= size:
            return f"{left // size} {unit}"
    return f"{left} s"


def ago(at: datetime | None, *, now: datetime) -> str:
    """`41 min ago`."""
    return MISSING if at is None else f"{age((now - at).total_seconds())} ago"


def until(at: datetime | None, *, now: datetime) -> str:
    """`23 h 18 min`, `4 min`, or `due` once it has passed."""
    if at is None:
        return MISSING
    left = int((at - now).total_seconds())
    if left <= 0:
        return "due"
    return duration(left)


def duration(seconds: Number | None) -> str:
    """`48 s`, `13 min`, `23 h 18 min`, `3 d 4 h`: the two largest units from an hour on."""
    if seconds is None or missing(seconds):
        return MISSING
    left = max(0, int(seconds))
    if left < 60:
        return f"{left} s"
    minutes = left // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _exact(value: Number) -> Decimal:
    """The shortest decimal that reads back as this number, so that 0.1 is 0.1."""
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


def _signed(value: Decimal, decimals: int) -> str:
    text = _fixed(value, decimals)
    return _written("+" + text if value > 0 and text.strip("0.") else text)


def _written(plain: str) -> str:
    """Text as it is made here, `1,234.50`, with the signs of whoever is answered."""
    return locales.current().number(plain)


def _fixed(value: Number, decimals: int) -> str:
    rounded = _exact(value).quantize(Decimal(1).scaleb(-decimals), context=WIDE)
    text = f"{abs(rounded):,f}"
    return MINUS + text if rounded < 0 else text


def _compact(exact: Decimal) -> str:
    sign = MINUS if exact < 0 else ""
    size = _three(abs(exact))
    for unit, letter in UNITS:
        if size >= unit:
            return sign + _plain(size / unit) + letter
    text = _plain(size)
    return text if not text.strip("0.") else sign + text


def _three(size: Decimal) -> Decimal:
    """Rounded to three significant digits, whole numbers below a thousand kept."""
    return size if size == 0 else size.quantize(Decimal(1).scaleb(size.adjusted() - 2), context=WIDE)


def _plain(size: Decimal) -> str:
    """Three significant digits without an exponent; zero is 0."""
    return f"{size.quantize(Decimal(1).scaleb(min(0, size.adjusted() - 2)), context=WIDE):f}" if size else "0"
