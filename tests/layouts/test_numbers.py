"""Numbers and times as text."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from dash import html
from hypothesis import given
from hypothesis import strategies as st

from core import currencies, locales
from layouts.components import numbers as n
from layouts.theme import template

NOW = datetime(2024, 12, 29, 23, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (93738.2, 2, "93,738.20"),
        (93738.2, None, "93,738.20"),
        (1000, None, "1,000.00"),
        (999.994, None, "999.99"),
        (20.96, None, "20.960"),
        (1.5, None, "1.5000"),
        (0.5, None, "0.50000"),
        (0.00001791, None, "0.000017910"),
        (0.00001791, 8, "0.00001791"),
        (1e-5, 5, "0.00001"),
        (1e-10, 12, "0.000000000100"),
        (4.312e-10, None, "0.00000000043120"),
        (1234567.891, 0, "1,234,568"),
        (0, None, "0.00"),
        (-0.0, 2, "0.00"),
        (-0.001, 2, "0.00"),
        (-12.5, 2, "−12.50"),
        (Decimal("0.1"), 1, "0.1"),
        (None, 2, "—"),
        (float("nan"), 2, "—"),
        (float("inf"), 2, "—"),
    ],
)
def test_prices_follow_their_tick(value: float | None, decimals: int | None, text: str) -> None:
    assert n.price(value, decimals) == text


@pytest.mark.parametrize(
    ("share", "text", "tone"),
    [
        (0.0124, "+1.24%", "up"),
        (-0.0412, "−4.12%", "down"),
        (0, "0.00%", ""),
        (-0.0, "0.00%", ""),
        (0.00001, "0.00%", ""),
        (-0.00004, "0.00%", ""),
        (12.5, "+1,250.00%", "up"),
        (None, "—", ""),
        (float("nan"), "—", ""),
    ],
)
def test_changes_have_a_sign_unless_they_are_zero(share: float | None, text: str, tone: str) -> None:
    assert n.change(share) == text
    assert n.tone(share) == tone


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.86e12, "$1.86T"),
        (741_000_000, "$741M"),
        (1_280_000_000, "$1.28B"),
        (12.5, "$12.50"),
        (999.999, "$1,000.00"),
        (-45_600, "−$45.6K"),
        (-0.001, "$0.00"),
        (0, "$0.00"),
        (999_999, "$1.00M"),
        (None, "—"),
    ],
)
def test_money_has_three_significant_digits(value: float | None, text: str) -> None:
    assert n.money(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (377.2, "377"),
        (377_000, "377K"),
        (0, "0"),
        (0.05, "0.0500"),
        (5.5, "5.50"),
        (-45_600, "−45.6K"),
        (1e15, "1000T"),
    ],
)
def test_volumes_are_short(value: float, text: str) -> None:
    assert n.compact(value) == text


def test_differences_of_shares_are_points() -> None:
    assert [n.points(x) for x in (0.002, -0.015, 0.0, None)] == ["+0.2 pp", "−1.5 pp", "0.0 pp", "—"]


def test_intervals_stand_behind_their_point() -> None:
    assert n.interval(0.392, 0.347, 0.439) == "39.2% [34.7, 43.9]"
    assert n.interval(0.392, None, None) == "39.2%"


def test_signed_and_count_and_percent() -> None:
    assert (n.signed(0.5), n.signed(-0.5, 1), n.signed(0)) == ("+0.50", "−0.5", "0.00")
    assert (n.count(38221), n.count(None), n.percent(0.394, 1)) == ("38,221", "—", "39.4%")


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(0, 12))
def test_no_number_is_written_with_an_exponent_or_a_negative_zero(value: float, decimals: int) -> None:
    for text in (n.fixed(value, decimals), n.price(value), n.signed(value, decimals)):
        assert "e" not in text.lower()
        assert "-" not in text
        assert not (text.startswith(n.MINUS) and not text.strip(n.MINUS + "0.,"))


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3))
def test_three_probabilities_add_up_to_a_hundred(shares: list[float]) -> None:
    whole = n.whole_percents(shares)
    assert sum(whole) == 100
    assert all(abs(w - s / sum(shares) * 100) < 1 for w, s in zip(whole, shares, strict=True))


def test_nothing_adds_up_to_nothing() -> None:
    assert n.whole_percents([0.0, 0.0, 0.0]) == [0, 0, 0]
    assert n.whole_percents([]) == []


def test_leading_zeros_of_a_tiny_price_are_dimmed() -> None:
    drawn = n.tiny(0.00001791, 8)
    assert isinstance(drawn, html.Span)
    assert [getattr(part, "children", part) for part in drawn.children] == ["", "0.0000", "1791"]
    assert drawn.title == "0.00001791"


def test_many_zeros_are_counted_and_the_plain_number_stays_in_the_text() -> None:
    drawn = n.tiny(4.312e-10)
    assert isinstance(drawn, html.Span)
    short, plain = drawn.children
    assert [getattr(part, "children", part) for part in short.children] == ["", "0.0", "9", "43120"]
    assert plain.children == "0.00000000043120"


def test_ordinary_prices_need_no_dimming() -> None:
    assert n.tiny(93738.2) == "93,738.20"
    assert n.tiny(0) == "0.00"
    assert n.tiny(None) == "—"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "23:41"),
        (NOW - timedelta(hours=23), "00:41"),
        (NOW - timedelta(days=3, hours=15, minutes=29), "26 Dec 08:12"),
        (NOW - timedelta(days=400), "25 Nov 2023"),
        (None, "—"),
    ],
)
def test_moments_are_as_short_as_they_can_be(at: datetime | None, text: str) -> None:
    assert n.moment(at, now=NOW) == text


def test_exact_moments_name_the_zone() -> None:
    assert n.exact_moment(NOW) == "Sun 29 Dec 2024, 23:41 UTC"
    assert n.exact_moment(None) == "—"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2, "2 s"), (59.9, "59 s"), (60, "1 min"), (2460, "41 min"), (7200, "2 h"), (3 * 86400, "3 d")],
)
def test_ages_use_the_largest_unit(seconds: float, text: str) -> None:
    assert n.age(seconds) == text
    assert n.ago(NOW - timedelta(seconds=seconds), now=NOW) == f"{text} ago"


def test_time_left_has_two_units() -> None:
    assert n.until(NOW + timedelta(hours=23, minutes=18), now=NOW) == "23 h 18 min"
    assert n.until(NOW - timedelta(seconds=1), now=NOW) == "due"
    assert n.until(None, now=NOW) == "—"
    assert [n.duration(s) for s in (48, 780, 3600, 90_000, 86_400, None)] == [
        "48 s",
        "13 min",
        "1 h",
        "1 d 1 h",
        "1 d",
        "—",
    ]


@pytest.fixture
def writing() -> Iterator[Callable[[str], None]]:
    yield locales.use
    locales.use(None)


@pytest.mark.parametrize(
    ("tag", "texts"),
    [
        ("en-GB", ["1,234.50", "−1.64%", "$1.86T", "39.2% [34.7, 43.9]", "25 Nov 2023", "26 Dec 08:12"]),
        ("en-US", ["1,234.50", "−1.64%", "$1.86T", "39.2% [34.7, 43.9]", "Nov 25, 2023", "Dec 26 08:12"]),
        ("de-DE", ["1.234,50", "−1,64%", "$1,86T", "39,2% [34,7; 43,9]", "25.11.2023", "26.12. 08:12"]),
        ("de-CH", ["1’234.50", "−1.64%", "$1.86T", "39.2% [34.7, 43.9]", "25.11.2023", "26.12. 08:12"]),
        ("es-ES", ["1.234,50", "−1,64%", "$1,86T", "39,2% [34,7; 43,9]", "25/11/2023", "26/12 08:12"]),
        ("fr-FR", ["1\u202f234,50", "−1,64%", "$1,86T", "39,2% [34,7; 43,9]", "25/11/2023", "26/12 08:12"]),
        ("ja-JP", ["1,234.50", "−1.64%", "$1.86T", "39.2% [34.7, 43.9]", "2023/11/25", "12/26 08:12"]),
        ("pt-BR", ["1.234,50", "−1,64%", "$1,86T", "39,2% [34,7; 43,9]", "25/11/2023", "26/12 08:12"]),
        ("sv-SE", ["1\xa0234,50", "−1,64%", "$1,86T", "39,2% [34,7; 43,9]", "2023-11-25", "12-26 08:12"]),
    ],
)
def test_numbers_and_dates_are_written_as_the_person_chose(
    writing: Callable[[str], None], tag: str, texts: list[str]
) -> None:
    writing(tag)
    written = [n.price(1234.5, 2), n.change(-0.0164), n.money(1.86e12), n.interval(0.392, 0.347, 0.439)]
    past = [n.moment(NOW - timedelta(days=400), now=NOW), n.moment(datetime(2024, 12, 26, 8, 12, tzinfo=UTC), now=NOW)]
    assert written + past == texts
    assert n.tone(-0.0164) == "down"
    assert n.signed(0.0) == n.fixed(-0.001, 2) == n.fixed(0, 2)
    assert template().layout.separators == "".join(getattr(locales.LOCALES[tag], x) for x in ("decimal", "group"))


def test_tiny_prices_are_dimmed_in_every_writing(writing: Callable[[str], None]) -> None:
    writing("de-DE")
    drawn, short = n.tiny(0.00001791, 8), n.tiny(4.312e-10)
    assert [getattr(part, "children", part) for part in drawn.children] == ["", "0,0000", "1791"]
    assert [getattr(part, "children", part) for part in short.children[0].children] == ["", "0,0", "9", "43120"]
    assert n.tiny(93738.2) == "93.738,20"


def test_every_tag_has_its_locale_and_unknown_ones_the_default(writing: Callable[[str], None]) -> None:
    assert set(get_args(locales.Tag)) == set(locales.LOCALES)
    assert set(get_args(currencies.Code)) == set(currencies.CURRENCIES)
    for tag in ("xx", None, 3, ""):
        writing(tag)  # type: ignore[arg-type]
        assert locales.current() is locales.DEFAULT
    assert currencies.named("BTC") is currencies.DOLLAR
