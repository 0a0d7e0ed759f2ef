"""What Bolt asks of an exchange, whichever it is."""

from dataclasses import dataclass
from typing import Protocol

from core.errors import ExchangeUnavailable
from core.ohlcv import Candles


@dataclass(frozen=True, slots=True)
class ListedMarket:
    """A spot market an exchange offers; `price_decimals` None where the exchange does not say."""

    symbol: str
    price_decimals: int | None
    active: bool


class NotCandles(ExchangeUnavailable):
    """An answer with rows that are no candles; `reasons` counts them by the word of the reason.

    A stream, which is of many markets, names the `symbol`.
    """

    def __init__(self, sentence: str, reasons: dict[str, int], *, symbol: str = "") -> None:
        super().__init__(sentence)
        self.reasons = reasons
        self.symbol = symbol


class ExchangeGateway(Protocol):
    """Raises ExchangeUnavailable, ExchangeBlocked, ExchangeBackOff and, for unknown symbols, NotFound."""

    name: str

    def server_time(self) -> int:
        """The exchange's clock, ms since 1970."""
        ...

    def markets(self) -> list[ListedMarket]:
        """Its spot markets, by symbol."""
        ...

    def page(self, timeframe: str) -> int:
        """How many candles one call can bring."""
        ...

    def candles(self, symbol: str, timeframe: str, *, since_ms: int, limit: int) -> Candles:
        """Closed, checked candles that open at `since_ms` or later, oldest first, `limit` at most.

        Empty means that the exchange has none there. Raises Refused for a timeframe it cannot give.
        """
        ...
