"""The types a group of commands is written against."""

import argparse
from collections.abc import Callable
from typing import Protocol

from core.settings import Settings
from dashapp.cli.output import Output

Command = Callable[[argparse.Namespace, Settings, Output], int]


class Add(Protocol):
    """Adds a command to the parser; what comes back takes its arguments."""

    def __call__(self, name: str, run: Command, about: str) -> argparse.ArgumentParser: ...
