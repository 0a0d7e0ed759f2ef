"""Lasting files are packed once."""

import re

import brotli
from flask.testing import FlaskClient

from dashapp import packed_files
from dashapp.static_files import static_files
from tests.web import SignIn

BROTLI = {"Accept-Encoding": "gzip, br"}


def test_lasting_file_is_packed_and_unpacks_to_itself(client: FlaskClient) -> None:
    files = static_files()
    answer = client.get(files.url("bootstrap.css"), headers=BROTLI)
    assert answer.headers["Content-Encoding"] == "br"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert brotli.decompress(answer.get_data()) == files.files["bootstrap.css"]
    assert len(answer.get_data()) < len(files.files["bootstrap.css"]) / 6


def test_packing_happens_once(client: FlaskClient) -> None:
    address = static_files().url("bolt.js")
    first = client.get(address, headers=BROTLI).get_data()
    assert packed_files._kept[address] == first
    packed_files._kept[address] = b"kept"
    assert client.get(address, headers=BROTLI).get_data() == b"kept"
    packed_files._kept.pop(address)


def test_browser_without_brotli_gets_something_else(client: FlaskClient) -> None:
    answer = client.get(static_files().url("bolt.css"), headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.get_data() == static_files().files["bolt.css"]


def test_changing_answers_and_fonts_are_left_alone(client: FlaskClient) -> None:
    client.get("/login", headers=BROTLI)
    client.get("/static/000000000000/bolt.css", headers=BROTLI)
    assert not {"/login", "/static/000000000000/bolt.css"} & set(packed_files._kept)


def test_scripts_of_dash_are_packed_too(signed_in: SignIn) -> None:
    client = signed_in()
    script = re.search(r'src="(/_dash-component-suites/dash/dcc/dash_core_components\.v[^"]+)"', client.get("/").text)
    assert script
    assert client.get(script[1], headers=BROTLI).headers["Content-Encoding"] == "br"
    assert script[1] in packed_files._kept
