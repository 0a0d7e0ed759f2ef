"""Dash on Flask: the index, its theme, its silence about the outside, what it must not switch on."""

import json
import re

from flask import Flask
from flask.testing import FlaskClient

from core.roles import Role
from dashapp.static_files import static_files
from layouts.site_map import PAGES, hidden
from tests.fire import fire
from tests.web import SignIn, dash_headers

ROUTE = {"_pages_location.pathname": "/", "_pages_location.search": ""}


def index(client: FlaskClient, path: str = "/") -> str:
    return client.get(path).get_data(as_text=True)


def test_index_speaks_to_no_other_host(signed_in: SignIn) -> None:
    page = index(signed_in())
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]+', page) == []


def test_index_loads_plotly_for_no_page_by_itself(signed_in: SignIn) -> None:
    loaded = " ".join(re.findall(r'(?:src|href)="([^"]+)"', index(signed_in())))
    assert "dash_core_components" in loaded
    assert "plotly" not in loaded
    assert "async-" not in loaded


def test_the_library_for_tables_is_loaded_by_the_admin_desk_alone(signed_in: SignIn) -> None:
    client = signed_in()
    assert all("/dash_ag_grid/" not in index(client, page.path) for page in PAGES if page.role is not Role.ADMIN)
    assert index(client, "/admin").count("/dash_ag_grid/") == 1
    assert "/dash_table/" not in index(client, "/admin")


def test_old_browsers_are_not_taught_and_no_bundle_misses_what_it_took_from_there(signed_in: SignIn) -> None:
    client = signed_in()
    page = index(client, "/admin")
    assert "polyfill" not in page
    scripts = [client.get(address).text for address in re.findall(r'<script src="([^"]+)"', page)]
    (gives,) = (at for at, script in enumerate(scripts) if "globalThis.regeneratorRuntime=" in script)
    assert gives < min(at for at, script in enumerate(scripts) if "DashRenderer" in script)


def test_what_dash_asks_for_first_is_asked_for_beside_the_scripts(signed_in: SignIn) -> None:
    client = signed_in()
    early = re.findall(r'<link rel="preload" href="([^"]+)" as="fetch" crossorigin>', index(client))
    assert early == ["/_dash-layout", "/_dash-dependencies"]
    assert all(client.get(address).status_code == 200 for address in early)


def test_scripts_of_the_page_are_files_or_hashed(signed_in: SignIn) -> None:
    answer = signed_in().get("/")
    inline = re.findall(r"<script(?![^>]*src=)([^>]*)>", answer.get_data(as_text=True))
    hashed = answer.headers["Content-Security-Policy"].count("'sha256-")
    runs = [attributes for attributes in inline if "application/json" not in attributes]
    assert len(runs) == hashed
    assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]


def test_theme_is_dark_unless_a_cookie_says_otherwise(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    start = '<html lang="en" data-bs-theme="dark" data-updown="teal-vermillion" data-tz="" data-writing="{'
    assert start in index(client)
    client.set_cookie("bolt_theme", "light.blue-orange")
    assert 'data-bs-theme="light" data-updown="blue-orange"' in index(client)
    client.set_cookie("bolt_theme", '"><script>.x')
    assert 'data-bs-theme="dark" data-updown="teal-vermillion"' in index(client)


def test_each_page_has_its_title_before_any_script_runs(signed_in: SignIn) -> None:
    client = signed_in()
    for page in PAGES:
        assert f"<title>{page.title} · Bolt</title>" in index(client, page.path)


def test_address_without_a_page_is_not_found(signed_in: SignIn) -> None:
    answer = signed_in().get("/no/such/page")
    assert answer.status_code == 404
    assert "<title>Page not found · Bolt</title>" in answer.get_data(as_text=True)


def test_pages_answer_with_their_status(signed_in: SignIn) -> None:
    client = signed_in()
    for path in ["/", "/charts/binance/BTC-USDT", *(page.path for page in PAGES)]:
        assert client.get(path).status_code == 200


def test_doors_that_stay_shut(app: Flask) -> None:
    dash = app.extensions["bolt_dash"]
    assert dash._enable_mcp is False
    assert dash._websocket_callbacks is False
    assert dash._dev_tools.ui is not True
    assert dash.config.suppress_callback_exceptions is True
    assert dash.config.eager_loading is False
    assert dash.config.include_pages_meta is False
    assert dash.config.update_title is None
    assert not [rule.rule for rule in app.url_map.iter_rules() if "mcp" in rule.rule or "_ws" in rule.rule]


def test_dash_is_set_up_before_the_first_request(app: Flask) -> None:
    assert app.extensions["bolt_dash"]._got_first_request == {"pages": True, "setup_server": True}


def test_layout_names_the_person_and_not_the_stranger(signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    assert "viewer@example.org" in client.get("/_dash-layout").get_data(as_text=True)


def test_unknown_address_is_drawn_with_a_way_out(signed_in: SignIn) -> None:
    client = signed_in()
    route = {**ROUTE, "_pages_location.pathname": "/no/such/page"}
    answer = fire(client, route, output="_pages_content")
    assert "There is no page at this address" in answer.get_data(as_text=True)


def test_every_page_draws_itself_for_every_role(signed_in: SignIn) -> None:
    for role in Role:
        client = signed_in(role)
        for page in PAGES:
            answer = fire(client, {**ROUTE, "_pages_location.pathname": page.path}, output="_pages_content")
            drawn = answer.get_json()["response"]["_pages_content"]["children"]
            assert "sideUpdate" not in answer.get_json()
            if hidden(page, role):
                assert "There is no page at this address" in json.dumps(drawn)
                continue
            assert ("is for " in json.dumps(drawn)) == (role is Role.VIEWER and page.role is not Role.VIEWER)


def test_callback_without_the_token_is_refused(signed_in: SignIn) -> None:
    client = signed_in()
    assert dash_headers(client)
    assert client.post("/_dash-update-component", json={"output": "x.y"}).status_code == 400


def test_manifest_and_icon_are_served(client: FlaskClient) -> None:
    files = static_files()
    for name in ("logo.svg", "bolt.webmanifest"):
        assert client.get(files.url(name)).status_code == 200
