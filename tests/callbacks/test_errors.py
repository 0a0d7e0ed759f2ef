"""A failing callback becomes one sentence."""

import pytest
from dash import Dash, Input, Output, dcc, html
from flask import Flask
from flask_login import LoginManager

import core.log
from callbacks import errors
from callbacks.wiring import Wiring
from core.errors import Forbidden, NotEnoughData

BODY = {
    "output": "out.children",
    "outputs": {"id": "out", "property": "children"},
    "inputs": [{"id": "in", "property": "n_clicks", "value": 1}],
    "changedPropIds": ["in.n_clicks"],
}


def answer(error: Exception) -> dict[str, object]:
    """What the browser gets when a callback raises `error`."""
    flask_app = Flask("errors")
    flask_app.secret_key = "k" * 40
    LoginManager(flask_app)
    wire = Wiring()

    @wire(Output("out", "children"), Input("in", "n_clicks"))
    def fail(_: int) -> str:
        raise error

    app = Dash("errors", server=flask_app, on_error=errors.explain, suppress_callback_exceptions=True)
    app.layout = html.Div([dcc.Store(id="shell-toast"), html.Button(id="in"), html.Div(id="out")])
    wire.attach(app)
    response = flask_app.test_client().post("/_dash-update-component", json=BODY)
    assert response.status_code == 200
    found: dict[str, object] = response.get_json()
    return found


def said(error: Exception) -> dict[str, str]:
    whole = answer(error)
    assert whole.get("response", {}) == {}, "an error must not change the page"
    toast: dict[str, str] = whole["sideUpdate"]["shell-toast"]["data"]  # type: ignore[index]
    return toast


@pytest.mark.parametrize("error", [NotEnoughData("The span holds 120 candles; training needs 600."), Forbidden("No.")])
def test_errors_of_ours_say_their_own_sentence(error: NotEnoughData | Forbidden) -> None:
    toast = said(error)
    assert (toast["title"], toast["text"], toast["kind"]) == (error.title, error.sentence, "bad")


def test_other_errors_say_a_general_sentence_with_the_request(caplog: pytest.LogCaptureFixture) -> None:
    core.log.request_id.set("abc12345")
    toast = said(ValueError("secret path /etc/shadow"))
    assert "secret" not in str(toast)
    assert (toast["text"], toast["reference"]) == (errors.SORRY, "abc12345")
    assert "callback_failed" in caplog.messages
