"""The API, put together: every resource's routes, served and described."""

import json
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, abort, g, render_template, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest
from werkzeug.routing import Map, Rule

from core.settings import Settings
from dashapp.api import (
    auth,
    calls_on_demand,
    jobs,
    limits,
    markets,
    models,
    openapi,
    personal_tokens,
    predictions,
    scorecards,
    watchlist,
)
from dashapp.api.guard import NAME, Served, claim_guess_from_here, is_api, served
from dashapp.api.once import once, refuse
from dashapp.api.problems import explain
from dashapp.api.route import Reply, Resource, Route, SymbolConverter
from dashapp.auth.turns import turn
from dashapp.extensions import csrf

RESOURCES = (auth, personal_tokens, markets, predictions, calls_on_demand, scorecards, models, jobs, watchlist)
JSON = "application/json"
Model = TypeVar("Model", bound=BaseModel)

files = Blueprint("api_docs", __name__, static_folder="static", static_url_path="/assets/api")
description = Resource("Description")


@description("GET", "/openapi.json", answer=None, role=None)
def show_description() -> Reply:
    """This description."""
    return Reply(text=_description(tuple(served().routes.values())))


@lru_cache(maxsize=4)
def _description(known: tuple[Route, ...]) -> str:
    """Made once: the routes of an application never change."""
    return json.dumps(openapi.describe(list(known)), ensure_ascii=False)


@description("GET", "/docs", answer=None, role=None)
def show_docs() -> Reply:
    """A page that shows this description and tries it out."""
    from dashapp.dash_ui import look  # late: it imports pages and callbacks

    return Reply(text=render_template("api_docs.html", **look()), media_type="text/html")


def routes() -> list[Route]:
    """Every endpoint of the API."""
    return [route for module in RESOURCES for route in module.resource] + list(description)


def install(app: Flask, settings: Settings) -> None:
    app.url_map.converters["symbol"] = SymbolConverter
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    known = routes()
    for route in known:
        blueprint.add_url_rule(
            *(route.path, route.name, _serve(route)), methods=[route.method], provide_automatic_options=False
        )
    csrf.exempt(blueprint)  # a bearer token is sent by a program, never by a browser on its own
    app.register_blueprint(blueprint)
    app.register_blueprint(files)
    app.after_request(_finish)
    paths = Map(
        [Rule(f"/api{r.path}", endpoint=r.name, methods=[r.method]) for r in known],
        converters={"symbol": SymbolConverter},
    )
    counter = limits.Counter(settings.redis_url)
    app.extensions[NAME] = Served({f"api.{r.name}": r for r in known}, paths, counter)


def _serve(route: Route) -> Any:
    def view(**path: Any) -> Response:
        if route.once:
            return once(lambda: _answer(route, path))
        refuse()
        return _answer(route, path)

    def guess(**path: Any) -> Response:
        with turn() if route.hashes else nullcontext():
            claim_guess_from_here()
            return view(**path)

    return guess if route.guessing else view


def _answer(route: Route, path: dict[str, Any]) -> Response:
    arguments = dict(path)
    if route.query:
        arguments["query"] = _query(route.query)
    if route.body:
        arguments["body"] = _body(route.body)
    said = route.view(**arguments)
    reply = said if isinstance(said, Reply) else Reply(said)
    text = reply.text if reply.text is not None else reply.model.model_dump_json() if reply.model else ""
    response = Response(text, reply.status or route.status, content_type=_content_type(reply))
    response.headers.extend(reply.headers)
    if route.tables:
        response.vary.add("Accept")
    if response.status_code == 204:
        del response.headers["Content-Type"]
    if request.method == "GET":
        response.add_etag(weak=True)
        response.make_conditional(request)
    return response


def _content_type(reply: Reply) -> str:
    return reply.media_type if isinstance(reply.text, bytes) else f"{reply.media_type}; charset=utf-8"


def _query(model: type[Model]) -> Model:
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise explain(error, "query") from error


def _body(model: type[Model]) -> Model:
    if request.mimetype != JSON:
        abort(415, "Send the body as application/json.")
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        if any(fault["type"] == "json_invalid" for fault in error.errors()):
            raise BadRequest("The body is no JSON.") from error
        raise explain(error, "body") from error


def _finish(response: Response) -> Response:
    """Say what is left of the limits, and how to sign in."""
    if not is_api(request.path):
        return response
    spent: list[limits.Spent] = g.get("api_spent", [])
    if spent:
        policy = [f'"{s.name}";q={s.limit};w={limits.WINDOW}' for s in spent]
        response.headers["RateLimit-Policy"] = ", ".join(policy)
        response.headers["RateLimit"] = ", ".join(f'"{s.name}";r={max(0, s.left)};t={s.reset}' for s in spent)
    if response.status_code == 429 and "api_retry" in g:
        response.headers["Retry-After"] = str(g.api_retry)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Bolt"'
    return response
