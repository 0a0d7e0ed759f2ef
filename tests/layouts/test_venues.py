"""Names of exchanges and sources as people read them."""

import pytest

from layouts.components.venues import venue


@pytest.mark.parametrize(("name", "written"), [("binance", "Binance"), ("coingecko", "CoinGecko")])
def test_a_source_is_written_as_it_spells_itself(name: str, written: str) -> None:
    assert venue(name) == written
