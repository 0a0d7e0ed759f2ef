"""The demo exchange in a thread of the test process, on a free port."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from demo.exchange import Exchange, serve


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    exchange: Exchange

    def fault(self, name: str | None, **fields: object) -> None:
        self.exchange.faults.order({"fault": name, **fields})

    def requests(self, path: str = "") -> int:
        """How many requests came whose path holds `path`."""
        return sum(path in entry["path"] for entry in list(self.exchange.log))

    def forget(self) -> None:
        self.exchange.faults.order({"fault": None})
        self.exchange.log.clear()


@contextmanager
def running(exchange: Exchange | None = None) -> Iterator[Server]:
    """Serve until the block ends."""
    exchange = exchange or Exchange()
    started, ports = threading.Event(), []
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    def announce(port: int) -> None:
        ports.append(port)
        started.set()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve(exchange, 0, announce, stop))
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(10), "the demo exchange did not start"
    try:
        yield Server(f"http://127.0.0.1:{ports[0]}", exchange)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
