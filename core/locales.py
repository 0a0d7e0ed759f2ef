"""How numbers and dates are written. The words of the interface stay English; an API writes none of this.

Which one is in use is a matter of the request, as the decimal context is of the calculation: whoever answers a person
says so at the start (`use`), and what writes figures asks here (`current`). A browser is told by `as_attribute`.
"""

import json
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NARROW, WIDE, QUOTE = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}", "\N{RIGHT SINGLE QUOTATION MARK}"

Tag = Literal["en-GB", "en-US", "de-DE", "de-CH", "es-ES", "fr-FR", "ja-JP", "pt-BR", "sv-SE"]


@dataclass(frozen=True, slots=True)
class Locale:
    """Signs of numbers, and how a date is put together: d day, b month's name, dd and mm two digits, y the year."""

    tag: Tag
    title: str
    decimal: str
    group: str
    date: str
    day: str  # a date of this year

    def number(self, plain: str) -> str:
        """`1,234.50` as this locale has it."""
        return plain.translate({ord(","): self.group, ord("."): self.decimal})

    def full_date(self, at: datetime) -> str:
        """`30 Dec 2024`, UTC."""
        return self._put(self.date, at)

    def short_date(self, at: datetime) -> str:
        """`30 Dec`, UTC."""
        return self._put(self.day, at)

    def exact(self, at: datetime) -> str:
        """`30 Dec 2024, 23:00 UTC`."""
        return f"{self.full_date(at)}, {at.astimezone(UTC):%H:%M} UTC"

    def month(self, at: datetime) -> str:
        """`Dec 2024`, the same everywhere."""
        at = at.astimezone(UTC)
        return f"{MONTHS[at.month - 1]} {at.year}"

    def _put(self, pattern: str, at: datetime) -> str:
        at = at.astimezone(UTC)
        parts = {"d": at.day, "dd": f"{at.day:02}", "mm": f"{at.month:02}", "b": MONTHS[at.month - 1], "y": at.year}
        return pattern.format(**parts)

    @property
    def list_sign(self) -> str:
        """Between numbers of a pair: `34.7, 43.9`, `34,7; 43,9`."""
        return "; " if self.decimal == "," else ", "


LOCALES: dict[Tag, Locale] = {
    made.tag: made
    for made in (
        Locale("en-GB", "English (United Kingdom)", ".", ",", "{d} {b} {y}", "{d} {b}"),
        Locale("en-US", "English (United States)", ".", ",", "{b} {d}, {y}", "{b} {d}"),
        Locale("de-DE", "German (Germany)", ",", ".", "{dd}.{mm}.{y}", "{dd}.{mm}."),
        Locale("de-CH", "German (Switzerland)", ".", QUOTE, "{dd}.{mm}.{y}", "{dd}.{mm}."),
        Locale("es-ES", "Spanish (Spain)", ",", ".", "{dd}/{mm}/{y}", "{dd}/{mm}"),
        Locale("fr-FR", "French (France)", ",", NARROW, "{dd}/{mm}/{y}", "{dd}/{mm}"),
        Locale("ja-JP", "Japanese (Japan)", ".", ",", "{y}/{mm}/{dd}", "{mm}/{dd}"),
        Locale("pt-BR", "Portuguese (Brazil)", ",", ".", "{dd}/{mm}/{y}", "{dd}/{mm}"),
        Locale("sv-SE", "Swedish (Sweden)", ",", WIDE, "{y}-{mm}-{dd}", "{mm}-{dd}"),
    )
}
DEFAULT = LOCALES["en-GB"]

_in_use: ContextVar[Locale] = ContextVar("locale", default=DEFAULT)


def current() -> Locale:
    """The locale of whoever is answered now; the default where nobody said."""
    return _in_use.get()


def named(tag: object) -> Locale:
    """The locale of a tag; the default for any other value."""
    return LOCALES.get(tag, DEFAULT) if isinstance(tag, str) else DEFAULT  # type: ignore[call-overload]


def use(tag: object) -> None:
    """Write as `tag` says from here on, in this thread alone."""
    _in_use.set(named(tag))


def as_attribute(locale: Locale) -> str:
    """What a page's script needs to write the same (assets/09-locale.js), as JSON."""
    return json.dumps({name: getattr(locale, name) for name in ("tag", "decimal", "group", "date", "day")})
