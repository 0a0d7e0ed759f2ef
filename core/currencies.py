"""The currencies that market capitalisations can be shown in. Prices of markets stay in their own quote."""

from dataclasses import dataclass
from typing import Literal

Code = Literal["USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "BRL", "SEK"]


@dataclass(frozen=True, slots=True)
class Currency:
    """`sign` stands before the number."""

    code: Code
    title: str
    sign: str


CURRENCIES: dict[Code, Currency] = {
    made.code: made
    for made in (
        Currency("USD", "US dollar", "$"),
        Currency("EUR", "Euro", "€"),
        Currency("GBP", "Pound sterling", "£"),
        Currency("CHF", "Swiss franc", "CHF\N{NO-BREAK SPACE}"),
        Currency("JPY", "Japanese yen", "¥"),
        Currency("CAD", "Canadian dollar", "CA$"),
        Currency("AUD", "Australian dollar", "A$"),
        Currency("BRL", "Brazilian real", "R$"),
        Currency("SEK", "Swedish krona", "SEK\N{NO-BREAK SPACE}"),
    )
}
DOLLAR = CURRENCIES["USD"]


def named(code: object) -> Currency:
    """The currency of a code; the US dollar for any other value."""
    return CURRENCIES.get(code, DOLLAR) if isinstance(code, str) else DOLLAR  # type: ignore[call-overload]
