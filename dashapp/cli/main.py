"""The command line: which commands there are, and how every failure becomes a sentence and an exit code.

0 done, 1 refused or failed, 2 usage, 78 configuration, 130 Ctrl-C, 141 whoever read the output has gone. This module
imports little: each command brings what it needs when it runs.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from core import settings as environment
from core.errors import BadCandles, BoltError
from dashapp.cli import (
    accounts,
    backup,
    breaks,
    candles,
    jobs,
    leak_lab,
    ledger,
    models,
    promotion,
    scorecard,
    servers,
    settings_docs,
    sources,
)
from dashapp.cli.output import Output
from dashapp.cli.register import Command
from dashapp.version import version

GROUPS = (
    servers,
    accounts,
    candles,
    sources,
    breaks,
    models,
    jobs,
    leak_lab,
    promotion,
    scorecard,
    ledger,
    backup,
    settings_docs,
)
INTERRUPTED = 130
NOBODY_READS = 128 + signal.SIGPIPE  # as a shell says it of `yes | head`


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.run is None:
        parser.print_usage(sys.stderr)
        return 2
    output = Output(asked.json)
    signal.signal(signal.SIGTERM, _end)
    try:
        return _run(asked, output)
    except KeyboardInterrupt:
        output.failure("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:
        return _leave()


def _run(asked: argparse.Namespace, output: Output) -> int:
    run: Command = asked.run
    try:
        return run(asked, environment.read(), output)
    except BoltError as error:
        if asked.debug:
            raise
        lines = error.lines if isinstance(error, BadCandles) else []
        for number, reason in lines:
            output.note(f"line {number}: {reason}")
        output.failure(error.sentence, **({"lines": lines} if lines else {}))
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:  # the last resort: no traceback without --debug
        if asked.debug:
            raise
        output.failure(f"Unexpected: {type(error).__name__}: {error}. Run it again with --debug for the details.")
        return 1


def _leave() -> int:
    """End without a word; what Python would still flush goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return NOBODY_READS


def _end(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON document on stdout")
    common.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback")
    parser = argparse.ArgumentParser(prog="python -m dashapp", description="Bolt's commands.")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    parser.add_argument("--version", action="version", version=f"Bolt {version()}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="command")

    def add(name: str, run: Command, about: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about, parents=[common])
        made.set_defaults(run=run)
        return made

    for group in GROUPS:
        group.register(add)
    return parser
