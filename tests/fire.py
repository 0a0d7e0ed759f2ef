"""Post a callback as the browser does: `fire(client, {"shell-tick.n_intervals": 1})`."""

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web import dash_headers

Wired = dict[str, Any]


def wired(client: FlaskClient) -> list[Wired]:
    """What the browser is told of the callbacks."""
    found: list[Wired] = client.get("/_dash-dependencies").get_json()
    return found


def find(client: FlaskClient, inputs: dict[str, Any], output: str = "") -> Wired:
    """The callback with exactly these inputs (and, where several have them, this output)."""
    names = set(inputs)
    hits = [
        one
        for one in wired(client)
        if {f"{i['id']}.{i['property']}" for i in one["inputs"]} == names and output in one["output"]
    ]
    server = [one for one in hits if not one.get("clientside_function")]
    assert len(server) == 1, f"{len(server)} callbacks listen to {sorted(names)}; say which output is meant"
    return server[0]


def fire(
    client: FlaskClient,
    inputs: dict[str, Any],
    state: dict[str, Any] | None = None,
    *,
    output: str = "",
    changed: list[str] | None = None,
) -> TestResponse:
    """The answer to a callback; keys are `id.property`."""
    one = find(client, inputs, output)
    given = {**inputs, **(state or {})}
    body = {
        "output": one["output"],
        "outputs": _outputs(one["output"]),
        "inputs": [_filled(part, given) for part in one["inputs"]],
        "state": [_filled(part, given) for part in one.get("state", [])],
        "changedPropIds": changed if changed is not None else [next(iter(inputs))],
    }
    return client.post("/_dash-update-component", data=json.dumps(body), headers=_headers(client))


def toasts(answer: TestResponse) -> list[dict[str, Any]]:
    """The toasts a callback said."""
    update = (answer.get_json(silent=True) or {}).get("sideUpdate") or {}
    data = update.get("shell-toast", {}).get("data", [])
    return data if isinstance(data, list) else [data]


def _headers(client: FlaskClient) -> dict[str, str]:
    return {"Content-Type": "application/json", **dash_headers(client)}


def _filled(part: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {**part, "value": given.get(f"{part['id']}.{part['property']}")}


def _outputs(text: str) -> Any:
    if not text.startswith(".."):
        return _output(text)
    return [_output(one) for one in text.strip(".").split("...")]


def _output(text: str) -> dict[str, str]:
    component, _, prop = text.rpartition(".")
    return {"id": component, "property": prop.split("@")[0]}
