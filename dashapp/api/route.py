"""How a resource declares its endpoints: once, for serving, guarding and describing them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel
from werkzeug.routing import BaseConverter

from core.roles import Role

CSV, ARROW = "text/csv", "application/vnd.apache.arrow.stream"
Scope = Literal["read", "train"]
View = TypeVar("View", bound=Callable[..., Any])


class SymbolConverter(BaseConverter):
    """`<symbol:symbol>` in a path: two words with a hyphen, so that no other word of the API is taken for a market."""

    regex = r"[^/-]+-[^/-]+"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than a model and the route's own status. `text` replaces the model's JSON."""

    model: BaseModel | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | bytes | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `path` is written as Flask wants it, below /api.

    `scope` is what a personal token needs; without one personal tokens are refused, for the endpoint is about the
    account itself. `guessing` endpoints count against the limit of sign-ins; `once` ones heed Idempotency-Key, any
    other POST refuses it.
    `problems` are statuses beyond those every endpoint of its kind can answer with.
    """

    method: str
    path: str
    view: Callable[..., Any]
    tag: str
    answer: type[BaseModel] | None
    status: int = 200
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    role: Role | None = Role.VIEWER
    scope: Scope | None = "read"
    guessing: bool = False
    hashes: bool = True  # a guessing endpoint that tries a password does so in its turn
    once: bool = False
    later: type[BaseModel] | None = None  # what a 202 holds, where the answer may take longer than one waits
    tables: bool = False  # also as CSV and Arrow, by Accept
    problems: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Its endpoint in Flask (below `api.`) and its operationId."""
        return self.view.__name__

    @property
    def public(self) -> bool:
        return self.role is None

    @property
    def summary(self) -> str:
        return (self.view.__doc__ or "").strip().partition("\n")[0]


class Resource:
    """The endpoints of one file: `@resource("GET", "/models", answer=ModelPage)` above each view."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.routes: list[Route] = []

    def __call__(self, method: str, path: str, **more: Any) -> Callable[[View], View]:
        def declare(view: View) -> View:
            self.routes.append(Route(method, path, view, self.tag, **more))
            return view

        return declare

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)
