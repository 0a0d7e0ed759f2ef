"""What people can send, by name, and where the web process connects to while it answers them."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from flask import Flask
from flask_wtf import FlaskForm

from core.settings import Settings
from dashapp.api.route import Route

# A field of such a name, or of such a format, takes an address from somebody.
WORDS = {"url", "uri", "href", "link", "host", "hostname", "server", "domain", "endpoint", "webhook", "hook", "proxy"}
WORDS |= {"address", "origin", "site", "ip", "target", "base", "feed", "homepage", "avatar", "image"}
FORMATS = {"uri", "uri-reference", "iri", "hostname", "ipv4", "ipv6"}
CHECKS = {"URL", "HostnameValidation", "IPAddress", "MacAddress"}  # of WTForms

Field = tuple[str, str]  # (where, name)


def schema_fields(description: dict[str, Any]) -> Iterator[tuple[Field, dict[str, Any]]]:
    """Every parameter and every field of every body, with its schema."""
    parts = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            where = f"{method.upper()} {path}"
            for one in told.get("parameters", []):
                one = _followed(one, description)
                yield (where, one["name"]), one["schema"]
            for media in told.get("requestBody", {}).get("content", {}).values():
                for name, schema in _inside(media["schema"], parts):
                    yield (where, name), schema


def _inside(schema: dict[str, Any], parts: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    for name, inner in schema.get("properties", {}).items():
        yield name, inner
        yield from _inside(inner, parts)
    for inner in (schema.get("items"), *schema.get("anyOf", []), *schema.get("allOf", []), *schema.get("oneOf", [])):
        if isinstance(inner, dict):
            yield from _inside(inner, parts)


def _followed(one: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    for part in one.get("$ref", "#/").removeprefix("#/").split("/"):
        description = description[part] if part else description
    return description if "$ref" in one else one


def _formats(schema: dict[str, Any]) -> set[str]:
    inner = [one for one in (schema.get("items"), *schema.get("anyOf", [])) if isinstance(one, dict)]
    return {str(schema.get("format"))}.union(*(_formats(one) for one in inner))


def form_fields(kinds: list[type[FlaskForm]], app: Flask) -> Iterator[tuple[Field, Any]]:
    with app.test_request_context():
        for kind in kinds:
            for field in kind(meta={"csrf": False}):
                yield (kind.__name__, field.name), field


def forms(base: type[FlaskForm] = FlaskForm) -> list[type[FlaskForm]]:
    """Every form that was declared anywhere in Bolt."""
    found = []
    for kind in base.__subclasses__():
        found += [kind, *forms(kind)] if kind.__module__.startswith(("dashapp.", "tests.")) else []
    return found


def says_address(name: str) -> bool:
    return bool(WORDS & set(re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())))


def suspects(app: Flask, description: dict[str, Any], places: list[str]) -> set[Field]:
    """Fields that by their name, format or check take an address; `places` are what callbacks are sent."""
    found = {
        field for field, schema in schema_fields(description) if says_address(field[1]) or _formats(schema) & FORMATS
    }
    for field, drawn in form_fields(forms(), app):
        checks = {type(check).__name__ for check in drawn.validators}
        if says_address(field[1]) or type(drawn).__name__ == "URLField" or checks & CHECKS:
            found.add(field)
    desk = [knob.name for knob in fields(Settings) if knob.metadata["desk"]]
    found |= {("desk setting", name) for name in desk if says_address(name)}
    return found | {("callback", place) for place in places if says_address(place)}


@contextmanager
def watched(own: set[Any]) -> Iterator[list[Any]]:
    """Every address this process connects to, or asks the name service for, but its `own` servers'."""
    reached: list[Any] = []
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def note_connect(self: socket.socket, address: Any) -> None:
        if _port(address) not in own:
            reached.append(address)
            raise ConnectionRefusedError("nobody may be reached")
        connect(self, address)

    def note_resolve(host: Any, port: Any, *more: Any, **words: Any) -> Any:
        if port not in own:
            reached.append((host, port))
            raise socket.gaierror("nobody may be asked for")
        return resolve(host, port, *more, **words)

    socket.socket.connect = note_connect  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = note_resolve
    try:
        yield reached
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.getaddrinfo = resolve


def _port(address: Any) -> Any:
    return address[1] if isinstance(address, tuple) else address


def filled(route: Route, value: str, example: Callable[[Any], dict[str, Any]]) -> dict[str, Any] | None:
    """A body of the route with `value` in every place that takes text."""
    if route.body is None:
        return None
    return {name: _put(told, value) for name, told in example(route.body).items()}


def _put(told: Any, value: str) -> Any:
    if isinstance(told, str):
        return value
    return [_put(one, value) for one in told] if isinstance(told, list) else told
