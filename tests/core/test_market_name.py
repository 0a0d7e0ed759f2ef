"""Names of markets: one form in commands, one in URLs, and nothing else."""

import pytest

from core import market_name
from core.errors import Refused
from core.market_name import MarketName


def test_a_name_reads_and_writes_the_same() -> None:
    name = market_name.parse("binance:BTC/USDT")
    assert name == MarketName("binance", "BTC/USDT")
    assert str(name) == "binance:BTC/USDT"
    assert (name.base, name.quote) == ("BTC", "USDT")


def test_a_name_in_a_url_reads_and_writes_the_same() -> None:
    name = market_name.parse("kraken:ETH/EUR")
    assert name.path == "kraken/ETH-EUR"
    assert market_name.parse_path(*name.path.split("/")) == name


def test_case_and_spaces_do_not_matter() -> None:
    assert market_name.make(" Binance ", "btc/usdt") == MarketName("binance", "BTC/USDT")


@pytest.mark.parametrize("text", ["BTC/USDT", "binance:", ":BTC/USDT", "binance:BTC", "binance:BTC/USDT/X", "a b:A/B"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        market_name.parse(text)


@pytest.mark.parametrize("symbol", ["BTC/US'DT", "../ETC", "<B>/USDT", "A" * 25 + "/B", "BTC/"])
def test_a_symbol_holds_letters_digits_and_dots_only(symbol: str) -> None:
    with pytest.raises(Refused, match="is no symbol"):
        market_name.make("binance", symbol)
