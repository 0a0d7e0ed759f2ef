"""The whole application with the one route of `bare_flask`, behind its gate like every other."""

from dashapp.wsgi import app
from tests.bench.bare_flask import answer

app.add_url_rule("/bench", "bench", answer)
