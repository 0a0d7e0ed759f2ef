"""Bodies sent to Dash's callback endpoint: a malformed one is the sender's fault (400), never ours (500)."""

from typing import Any

from dash import Dash
from flask import Flask, request
from werkzeug.exceptions import BadRequest

from dashapp.gate import CALLBACKS

NUL = b"\\u0000"  # which PostgreSQL can't hold, and which nobody types
MALFORMED = "That is not a callback of this page. Reload it."


def install(app: Flask, dash: Dash) -> None:
    """Register after Dash, whose first request completes its list of callbacks."""

    def check() -> None:
        if request.endpoint == CALLBACKS and (NUL in request.get_data() or not fits(_body(), dash.callback_map)):
            raise BadRequest(MALFORMED)

    app.before_request(check)


def _body() -> Any:
    try:
        return request.get_json()
    except RecursionError as error:
        raise BadRequest(MALFORMED) from error


def fits(body: Any, callbacks: dict[str, Any]) -> bool:
    """True where the body names a callback that exists and brings the outputs, inputs and state that one declares."""
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        return False
    callback = callbacks.get(body["output"])
    if callback is None or not _outputs_fit(body.get("outputs"), body["output"], callback):
        return False
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(c, str) for c in changed):
        return False
    return _values_fit(body.get("inputs", []), callback["inputs"]) and _values_fit(
        body.get("state", []), callback["state"]
    )


def _outputs_fit(sent: Any, output: str, callback: dict[str, Any]) -> bool:
    """`output` is `id.property`, or `..a.x...b.y..` for several."""
    if callback.get("no_output"):
        return True
    if not output.startswith(".."):
        return _output_fits(sent, output)
    declared = output[2:-2].split("...")
    if not isinstance(sent, list) or len(sent) != len(declared):
        return False
    return all(_output_fits(one, word) for one, word in zip(sent, declared, strict=True))


def _output_fits(sent: Any, declared: str) -> bool:
    """A place, or for a pattern a list of them. A duplicate's property carries a hash behind an `@`."""
    if isinstance(sent, list):
        return declared.startswith("{") and all(_output_fits(one, declared) for one in sent)
    return _is_place(sent) and sent["property"].split("@")[0] == declared.rpartition(".")[2].split("@")[0]


def _values_fit(sent: Any, declared: list[dict[str, Any]]) -> bool:
    if not isinstance(sent, list) or len(sent) != len(declared):
        return False
    return all(_value_fits(value, place) for value, place in zip(sent, declared, strict=True))


def _value_fits(value: Any, place: dict[str, Any]) -> bool:
    if '["ALL' in place["id"]:  # a pattern, ALL or ALLSMALLER: any number of components, all with this property
        return isinstance(value, list) and all(_is_place(v) and v["property"] == place["property"] for v in value)
    if not _is_place(value) or value["property"] != place["property"]:
        return False
    return isinstance(value["id"], dict) or value["id"] == place["id"]


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("id"), str | dict) and isinstance(value.get("property"), str)
    )
