"""Bodies sent to Dash's callback endpoint: a malformed one is the sender's fault (400), never ours (500)."""

from typing import Any

from dash import Dash
from flask import Flask, request
from werkzeug.exceptions import BadRequest

from dashapp.gate import CALLBACKS

MALFORMED = "That is not a callback of this page. Reload it."


def install(app: Flask, dash: Dash) -> None:
    """Register after Dash, whose first request completes its list of callbacks."""

    def check() -> None:
        if request.endpoint == CALLBACKS and not fits(_body(), dash.callback_map):
            raise BadRequest(MALFORMED)

    app.before_request(check)


def _body() -> Any:
    try:
        return request.get_json()
    except RecursionError as error:
        raise BadRequest(MALFORMED) from error


def fits(body: Any, callbacks: dict[str, Any]) -> bool:
    """True where the body names a callback that exists and brings the inputs and state that one asks for."""
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        return False
    callback = callbacks.get(body["output"])
    if callback is None or not _outputs_fit(body.get("outputs", [])):
        return False
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(c, str) for c in changed):
        return False
    return _values_fit(body.get("inputs", []), callback["inputs"]) and _values_fit(
        body.get("state", []), callback["state"]
    )


def _outputs_fit(outputs: Any) -> bool:
    """An output, or a list of them, or for patterns a list of lists."""
    if isinstance(outputs, list):
        return all(_outputs_fit(output) for output in outputs)
    return _is_place(outputs)


def _values_fit(sent: Any, declared: list[dict[str, Any]]) -> bool:
    if not isinstance(sent, list) or len(sent) != len(declared):
        return False
    return all(_value_fits(value, place) for value, place in zip(sent, declared, strict=True))


def _value_fits(value: Any, place: dict[str, Any]) -> bool:
    if isinstance(value, list):  # a pattern: any number of components, all with this property
        return all(_is_place(v) and v["property"] == place["property"] for v in value)
    if not _is_place(value) or value["property"] != place["property"]:
        return False
    return isinstance(value["id"], dict) or value["id"] == place["id"]


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("id"), str | dict) and isinstance(value.get("property"), str)
    )
