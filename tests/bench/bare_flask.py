"""The peer of P14: Flask with one route and nothing else."""

import flask

server = flask.Flask(__name__)


@server.get("/bench")
def answer() -> dict[str, str]:
    return {"answer": "a small one"}


@server.get("/health/live")
def live() -> str:
    return "ok"
