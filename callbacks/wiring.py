"""A blueprint for callbacks: decorate now, attach to an app later.

Dash's own `@callback` writes to lists the process shares, which the first app empties; a second app would have no
callbacks. A `Wiring` belongs to one module, keeps its functions plain, and gives them to any number of apps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dash import ClientsideFunction, Dash, Input, Output, State

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Wire:
    """One callback: the function (or the name of a browser function `namespace.word`) and what it is wired to."""

    target: Callable[..., Any] | str
    dependencies: tuple[Any, ...]
    options: dict[str, Any]
    changes: bool = False

    def parts(self) -> list[Input | Output | State]:
        """Every Output, Input and State, however they are grouped."""
        return _flat(self.dependencies) + _flat([self.options.get(key) for key in ("output", "inputs", "state")])

    def attach(self, app: Dash) -> None:
        if not any(isinstance(part, Output) for part in self.parts()):
            for part in self.parts():  # without an output it runs on every page: what a page lacks is None there
                part.allow_optional = True
        if isinstance(self.target, str):
            namespace, _, word = self.target.partition(".")
            app.clientside_callback(ClientsideFunction(namespace, word), *self.dependencies, **self.options)
        else:
            app.callback(*self.dependencies, **self.options)(self.target)


def _flat(group: Any) -> list[Input | Output | State]:
    if isinstance(group, Input | Output | State):
        return [group]
    inner = group.values() if isinstance(group, dict) else group if isinstance(group, list | tuple) else ()
    return [part for item in inner for part in _flat(item)]


@dataclass(slots=True)
class Wiring:
    """The callbacks of one module."""

    wires: list[Wire] = field(default_factory=list)

    def __call__(self, *dependencies: Any, changes: bool = False, **options: Any) -> Callable[[Function], Function]:
        """Wire the function below. Say `changes=True` where it writes; such a one must carry `@needs(role)`."""

        def keep(function: Function) -> Function:
            if changes and not hasattr(function, "needed_role"):
                raise TypeError(
                    f"{function.__module__}.{function.__name__} changes something: put @needs(role) under it"
                )
            self.wires.append(Wire(function, dependencies, options, changes))
            return function

        return keep

    def clientside(self, name: str, *dependencies: Any, **options: Any) -> None:
        """Wire `window.dash_clientside.<namespace>.<word>`, named `namespace.word`, from a file in assets."""
        self.wires.append(Wire(name, dependencies, options))

    def attach(self, app: Dash) -> None:
        """Register every callback of the module on an app."""
        for wire in self.wires:
            wire.attach(app)
