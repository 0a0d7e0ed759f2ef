"""Requests to Dash's callback endpoint that no page of Bolt would send."""

import json

import pytest

from tests.web import CALLBACKS, SignIn, body_of, dash_headers, router_body


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Origin": "https://evil.example"}, "application/json"),
        ({"Origin": "null"}, "application/json"),
        ({"Origin": "http://["}, "application/json"),
        ({"Sec-Fetch-Site": "cross-site"}, "application/json"),
        ({"Sec-Fetch-Site": "same-site"}, "application/json"),
        ({}, "text/plain"),
        ({"X-CSRFToken": ""}, "application/json"),
        ({"X-CSRFToken": "ImZvcmdlZCI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"}, "application/json"),
    ],
)
def test_s05_a_callback_from_another_site_is_refused(signed_in: SignIn, headers: dict, kind: str) -> None:
    client = signed_in()
    sent = dash_headers(client) | headers
    answer = client.post(CALLBACKS, data=json.dumps(router_body("/")), content_type=kind, headers=sent)
    assert answer.status_code in {400, 403, 415}
    assert "_pages_content" not in answer.text


def test_s05_a_form_from_another_site_changes_nothing(signed_in: SignIn) -> None:
    client = signed_in()
    assert client.post("/logout", headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/logout").status_code == 400
    assert client.get("/profile").status_code == 200


def test_s05_the_own_origin_is_welcome(signed_in: SignIn) -> None:
    client = signed_in()
    own = dash_headers(client) | {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post(CALLBACKS, json=router_body("/"), headers=own).status_code == 200


GOOD = router_body("/")
MALFORMED = {
    "empty object": b"{}",
    "list": b"[]",
    "string": b'"x"',
    "null": b"null",
    "nothing": b"",
    "no json": b"{",
    "deep": b"[" * 10_000 + b"]" * 10_000,
    "bad utf-8": b'{"output": "\xff\xfe"}',
    "long": b'{"output": "' + b"x" * 10_000_000 + b'"}',
    "a character no database holds": json.dumps(GOOD | {"state": ["\x00"]}).encode(),
    "unknown output": json.dumps(GOOD | {"output": "nothing.children"}).encode(),
    "output no string": json.dumps(GOOD | {"output": ["a"]}).encode(),
    "inputs missing": json.dumps({k: v for k, v in GOOD.items() if k != "inputs"}).encode(),
    "inputs too few": json.dumps(GOOD | {"inputs": GOOD["inputs"][:1]}).encode(),
    "inputs no list": json.dumps(GOOD | {"inputs": {"a": 1}}).encode(),
    "inputs of others": json.dumps(GOOD | {"inputs": [{"id": "x", "property": "y"}] * 2}).encode(),
    "inputs no places": json.dumps(GOOD | {"inputs": [1, None]}).encode(),
    "state too many": json.dumps(GOOD | {"state": [{"id": "x", "property": "y"}]}).encode(),
    "outputs too few": json.dumps(GOOD | {"outputs": GOOD["outputs"][:1]}).encode(),
    "outputs missing": json.dumps({k: v for k, v in GOOD.items() if k != "outputs"}).encode(),
    "outputs of others": json.dumps(GOOD | {"outputs": [{"id": "x", "property": "y"}] * 2}).encode(),
    "outputs as patterns": json.dumps(GOOD | {"outputs": [[], []]}).encode(),
    "outputs no places": json.dumps(GOOD | {"outputs": [3]}).encode(),
    "changed no list": json.dumps(GOOD | {"changedPropIds": 7}).encode(),
    "changed no strings": json.dumps(GOOD | {"changedPropIds": [{}]}).encode(),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_s06_a_malformed_callback_is_the_senders_fault(signed_in: SignIn, name: str) -> None:
    client = signed_in()
    answer = client.post(CALLBACKS, data=MALFORMED[name], content_type="application/json", headers=dash_headers(client))
    assert answer.status_code in {400, 413}
    assert "Traceback" not in answer.text


def test_s06_a_callback_larger_than_any_page_sends_is_not_read(signed_in: SignIn) -> None:
    client = signed_in()
    answer = client.post(
        CALLBACKS, data=MALFORMED["long"], content_type="application/json", headers=dash_headers(client)
    )
    assert answer.status_code == 413


def test_s06_a_form_larger_than_any_form_is_refused(signed_in: SignIn) -> None:
    answer = signed_in().post("/profile", data={"display_name": "x" * 100_000})
    assert answer.status_code == 413


def test_s06_callbacks_with_empty_values_never_break_the_server(signed_in: SignIn) -> None:
    client = signed_in()
    headers = dash_headers(client)
    for dependency in client.get("/_dash-dependencies").get_json():
        if dependency["clientside_function"] is None:
            answer = client.post(CALLBACKS, json=body_of(dependency), headers=headers)
            assert answer.status_code < 500, dependency["output"]


@pytest.mark.parametrize("value", ["\x00", "job/\x00"])
def test_s06_a_character_no_database_holds_is_refused_at_the_door(signed_in: SignIn, value: str) -> None:
    client = signed_in()
    chosen = {"id": "markets-chosen", "property": "data", "value": value}
    place = {"id": "markets-report", "property": "children"}
    body = {"output": "markets-report.children", "outputs": place, "inputs": [chosen], "changedPropIds": []}
    headers = dash_headers(client)
    assert client.post(CALLBACKS, json=body, headers=headers).status_code == 400
    chosen["value"] = "import/" + "9" * 5_000
    answer = client.post(CALLBACKS, json=body, headers=headers)
    assert answer.status_code == 200
    assert "shell-toast" not in answer.text, "no import has that number, and that is no failure"
