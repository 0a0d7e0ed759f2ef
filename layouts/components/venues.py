"""How the names of exchanges and sources are written for people."""

OWN_SPELLING = {"coingecko": "CoinGecko"}


def venue(name: str) -> str:
    """`binance` → `Binance`; a source that spells itself otherwise keeps its spelling."""
    return OWN_SPELLING.get(name, name.capitalize())
