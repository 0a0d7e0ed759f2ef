"""The peer of P4 and P13: a Dash page whose callback returns the same chart as a Plotly figure, `/?bars=1000`.

Compressed as Dash does it when told to.
"""

from urllib.parse import parse_qs

import dash
from dash import Input, Output, dcc, html

from layouts.components.price_chart import Drawn
from market.indicators.catalog import parse
from market.indicators.compute import compute_all
from tests.bench.p03_chart_response import OVERLAYS, as_figure
from tests.candle_data import walk

app = dash.Dash(__name__, compress=True)
server = app.server
app.layout = html.Div([dcc.Location(id="place"), dcc.Graph(id="graph", style={"height": "900px"})])
server.add_url_rule("/health/live", "live", lambda: "ok")


@app.callback(Output("graph", "figure"), Input("place", "search"))
def draw(search: str) -> object:
    candles = walk(int(parse_qs((search or "").lstrip("?")).get("bars", ["1000"])[0]))
    chosen = [parse(word) for word in OVERLAYS]
    computed = compute_all(candles, chosen)
    figure = as_figure(candles, [Drawn(one, computed[one.key]) for one in chosen])
    return figure.update_layout(dragmode="pan")  # as on a chart of prices; Plotly's own is a box to zoom into
