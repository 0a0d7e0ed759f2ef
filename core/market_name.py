"""How a market is written: `binance:BTC/USDT` in commands, `binance/BTC-USDT` in URLs."""

import re
from dataclasses import dataclass

from core.errors import Refused

EXCHANGE = re.compile(r"[a-z0-9_]{1,32}")
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.]{0,23}/[A-Z0-9][A-Z0-9.]{0,23}")


@dataclass(frozen=True, slots=True, order=True)
class MarketName:
    """An exchange's name (lower case) and a symbol such as `BTC/USDT` (upper case)."""

    exchange: str
    symbol: str

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def path(self) -> str:
        """As it stands in a URL."""
        return f"{self.exchange}/{self.symbol.replace('/', '-')}"

    def __str__(self) -> str:
        return f"{self.exchange}:{self.symbol}"


def make(exchange: str, symbol: str) -> MarketName:
    """A checked name; raises Refused with the form that is wanted."""
    exchange, symbol = exchange.strip().lower(), symbol.strip().upper()
    if not EXCHANGE.fullmatch(exchange):
        raise Refused(f"“{exchange}” is no exchange name. Use letters, digits and _, such as binance.")
    if not SYMBOL.fullmatch(symbol):
        raise Refused(f"“{symbol}” is no symbol. Write base and quote with a slash, such as BTC/USDT.")
    return MarketName(exchange, symbol)


def parse(text: str) -> MarketName:
    """Read `binance:BTC/USDT`."""
    exchange, colon, symbol = text.partition(":")
    if not colon:
        raise Refused(f"“{text}” is no market. Write exchange and symbol, such as binance:BTC/USDT.")
    return make(exchange, symbol)


def parse_path(exchange: str, symbol: str) -> MarketName:
    """Read the two parts of a URL, `binance` and `BTC-USDT`."""
    return make(exchange, symbol.replace("-", "/", 1))
