"""`python -m demo --port N`: serve the demo exchange on loopback until told to stop."""

import argparse
import asyncio
import logging
import signal

import core.log
from demo.exchange import Exchange, serve

logger = logging.getLogger("demo")


def _announce(port: int) -> None:
    logger.info("demo_exchange_listens", extra={"url": f"http://127.0.0.1:{port}"})


async def run(port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(Exchange(), port, _announce, stop)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description="The demo exchange of Bolt.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    core.log.configure("demo")
    asyncio.run(run(parser.parse_args().port))


if __name__ == "__main__":
    main()
