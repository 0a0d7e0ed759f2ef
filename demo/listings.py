"""The twelve markets of the demo exchange: names, ticks and temperament. None of the prices is real."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listing:
    """One simulated market against USDT.

    `level` is the price its path is drawn around, `daily_vol` the ordinary standard deviation of a day's log return,
    `turnover` the ordinary volume of a day in USDT. A tick is `10 ** -price_decimals`; `lot_decimals` likewise.
    """

    number: int  # part of every seed: never renumber
    base: str
    level: float
    price_decimals: int
    lot_decimals: int
    daily_vol: float
    turnover: float

    @property
    def id(self) -> str:
        """As Binance writes it: BTCUSDT."""
        return f"{self.base}USDT"

    @property
    def symbol(self) -> str:
        return f"{self.base}/USDT"


LISTINGS: dict[str, Listing] = {
    listing.id: listing
    for listing in (
        Listing(1, "BTC", 64_000.0, 2, 5, 0.023, 1.6e9),
        Listing(2, "ETH", 2_900.0, 2, 4, 0.030, 9.0e8),
        Listing(3, "SOL", 145.0, 2, 3, 0.042, 4.2e8),
        Listing(4, "XRP", 0.92, 4, 1, 0.037, 3.1e8),
        Listing(5, "BNB", 560.0, 2, 3, 0.025, 2.0e8),
        Listing(6, "ADA", 0.48, 4, 1, 0.039, 9.5e7),
        Listing(7, "DOGE", 0.16, 5, 0, 0.045, 1.9e8),
        Listing(8, "AVAX", 28.0, 2, 2, 0.044, 7.0e7),
        Listing(9, "LINK", 15.5, 2, 2, 0.040, 8.0e7),
        Listing(10, "LTC", 82.0, 2, 3, 0.033, 6.5e7),
        Listing(11, "DOT", 5.4, 3, 2, 0.041, 4.0e7),
        Listing(12, "TRX", 0.21, 4, 1, 0.024, 7.5e7),
    )
}
FIRST = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")  # filled before the others
