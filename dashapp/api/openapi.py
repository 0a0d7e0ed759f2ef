"""The description of the API (OpenAPI 3.1), made of the same routes that are served."""

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dashapp.api.route import ARROW, CSV, Route
from dashapp.api.schemas import Problem, example
from dashapp.version import version

WORDS = {
    400: "The body is no JSON.",
    401: "No valid token, or the wrong password.",
    403: "Not allowed for this account or this token.",
    404: "Not there, or not yours.",
    409: "Somebody else changed it first, or the same request is being answered.",
    412: "If-Match names another version than there is now.",
    413: "The body is larger than this desk accepts.",
    415: "The body is not application/json.",
    422: "A field is wrong; errors names it.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "Bolt made a mistake.",
    503: "A server that Bolt needs does not answer.",
}
SUCCESS = {200: "Done.", 201: "Made.", 202: "Accepted.", 204: "Done; there is nothing to say."}
ARGUMENT = re.compile(r"<(?:([a-z]+)(?:\([^)]*\))?:)?([a-z_]+)>")
KEPT = "With an `Idempotency-Key` the same request has its effect once in a day; its answer, kept sealed, comes again."
NOT_KEPT = "Takes no `Idempotency-Key` (422): it is about signing in, and its answer is given once."
KINDS = {
    "int": ({"type": "integer", "minimum": 0, "maximum": 2_147_483_647}, 3),
    "uuid": ({"type": "string", "format": "uuid"}, "0b3d8a1e-2c55-4a0f-9f0e-6d5c0c9d3f4b"),
    "symbol": (
        {"type": "string", "pattern": "^[^/-]+-[^/-]+$", "description": "Base and quote, with a hyphen."},
        "BTC-USDT",
    ),
}
EVERYWHERE = ("X-Request-ID", "RateLimit", "RateLimit-Policy")
HEADERS = {
    "X-Request-ID": "The number of this request in the logs; one that was sent is kept.",
    "RateLimit": "What is left of each limit (`r`), and in how many seconds it is whole again (`t`).",
    "RateLimit-Policy": "Each limit (`q`) and its window in seconds (`w`).",
    "ETag": "Names this version of the answer, for If-None-Match.",
    "Retry-After": "Seconds until another try is worth it.",
}
ABOUT = (
    "Tokens: `POST /api/auth/login` answers an access token (30 minutes) and a refresh token (7 days, good once). "
    "Send the first as `Authorization: Bearer …`. Cookies are not looked at.\n\n"
    "Failures are problems (RFC 9457). Lists are paged by `limit` and `cursor`. Reads carry an `ETag`. Prices are "
    "strings, so that no digit is lost; candles and indicators are numbers."
)


def describe(routes: list[Route]) -> dict[str, Any]:
    """The whole description, ready for JSON."""
    models = sorted({m for r in routes for m in (r.body, r.answer, r.later) if m} | {Problem}, key=lambda m: m.__name__)
    _, schemas = models_json_schema(
        [(m, "validation" if any(r.body is m for r in routes) else "serialization") for m in models],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(address(route.path), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bolt", "version": version(), "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(r.tag for r in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "headers": {name: _header(words) for name, words in HEADERS.items()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def address(path: str) -> str:
    """A path as OpenAPI writes it."""
    return "/api" + ARGUMENT.sub(r"{\2}", path)


def statuses(route: Route) -> list[int]:
    """Every status a route can answer with but for its own."""
    found = {429, 500, 503, *route.problems}
    found |= set() if route.public else {401, 403}
    found |= {400, 413, 415, 422} if route.body else set()
    found |= {422} if route.query or "<symbol:" in route.path else set()
    found |= {409, 422} if route.once else {422} if route.method == "POST" else set()
    return sorted(found)


def _operation(route: Route) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_in_path(route), *_in_query(route), *_in_header(route)],
        "responses": {str(route.status): _success(route)},
    }
    if route.later:
        said["responses"]["202"] = {
            "description": "Not done yet: the job at Location holds what comes of it.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The job's address."}},
            "content": {"application/json": _content(route.later)},
        }
    if route.method == "GET":
        said["responses"]["304"] = {"description": "Nothing has changed since the ETag in If-None-Match."}
    said["responses"] |= {str(status): _problem(status) for status in statuses(route)}
    for status, answer in said["responses"].items():
        tagged = ["ETag"] if route.method == "GET" and int(status) < 400 else []
        wait = ["Retry-After"] if status in {"429", "503"} else []
        names = [*EVERYWHERE, *tagged, *wait]
        answer["headers"] = answer.get("headers", {}) | {n: {"$ref": f"#/components/headers/{n}"} for n in names}
    if route.method == "POST":
        said["description"] = KEPT if route.once else NOT_KEPT
    if route.body:
        said["requestBody"] = {"required": True, "content": {"application/json": _content(route.body)}}
    if route.public:
        said["security"] = []
    else:
        said["x-role"], said["x-scope"] = route.role, route.scope
    return said


def _header(words: str) -> dict[str, Any]:
    return {"schema": {"type": "string"}, "description": words}


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}, "example": example(model)}


def _success(route: Route) -> dict[str, Any]:
    said: dict[str, Any] = {"description": SUCCESS[route.status]}
    if route.answer:
        said["content"] = {"application/json": _content(route.answer)}
    if route.tables:
        said["content"][CSV] = {"schema": {"type": "string"}, "example": "time,open,high,low,close,volume\n"}
        said["content"][ARROW] = {"schema": {"type": "string", "format": "binary"}, "example": "an Arrow IPC stream"}
    return said


def _problem(status: int) -> dict[str, Any]:
    shown = example(Problem) | {"status": status, "title": WORDS[status].rstrip("."), "detail": WORDS[status]}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": WORDS[status],
        "content": {"application/problem+json": {"schema": schema, "example": shown}},
    }


def _in_path(route: Route) -> list[dict[str, Any]]:
    found = []
    for kind, name in ARGUMENT.findall(route.path):
        schema, shown = KINDS[kind]
        found.append({"name": name, "in": "path", "required": True, "schema": schema, "example": shown})
    return found


def _in_query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    properties = route.query.model_json_schema()["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _in_header(route: Route) -> list[dict[str, Any]]:
    if not route.once:
        return []
    schema = {"type": "string", "minLength": 8, "maxLength": 100}
    return [{"name": "Idempotency-Key", "in": "header", "schema": schema, "example": "once-2024-05-01"}]
