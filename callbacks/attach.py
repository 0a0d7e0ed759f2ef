"""Every callbacks module, in one list. A new page adds its line here."""

import importlib
import importlib.util
from types import ModuleType

from dash import Dash

MODULES = ("shell", "charts", "markets", "predictions", "models")


def modules() -> list[ModuleType]:
    """The callbacks modules of this installation, each with its `wire`."""
    words = (f"callbacks.{word}" for word in MODULES)
    return [importlib.import_module(word) for word in words if importlib.util.find_spec(word)]


def attach(app: Dash) -> None:
    """Give an app all callbacks."""
    for module in modules():
        module.wire.attach(app)
