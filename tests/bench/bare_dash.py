"""The peer of P12: Dash with nothing in it."""

import dash
import flask

server = flask.Flask(__name__)
dash.Dash(__name__, server=server).layout = dash.html.Div("bare")
