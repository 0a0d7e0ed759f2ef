"""What is done to the messages of a stream before ccxt reads them."""

from collections.abc import Callable
from typing import Any

TICKERS = ("ticker", "ticker_batch")  # Coinbase's channels


def without_nobody(message: Any) -> Any:
    """The message without tickers of no product: Coinbase tells one of a product that nobody has traded lately.

    ccxt cannot read it, and all other markets of the connection would go with it.
    """
    if not isinstance(message, dict) or message.get("channel") not in TICKERS or "events" not in message:
        return message
    return {**message, "events": [_of_somebody(event) for event in message["events"]]}


def _of_somebody(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "tickers": [told for told in event.get("tickers", []) if told.get("product_id") != ""]}


def noting(client: Any, handle: Callable[..., None], finals: set[tuple[str, int]]) -> Callable[..., None]:
    """ccxt drops the word for final from klines: note it on the way. `finals` gets symbol and open time in ms UTC."""

    def handle_noting(connection: Any, message: Any) -> None:
        kline = message.get("k") if isinstance(message, dict) else None
        if isinstance(kline, dict) and kline.get("x") is True and isinstance(kline.get("t"), int):
            finals.add((client.safe_symbol(kline.get("s"), None, None, "spot"), kline["t"]))
        handle(connection, message)

    return handle_noting
