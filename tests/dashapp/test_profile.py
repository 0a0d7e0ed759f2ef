"""The profile: name and looks."""

import pytest

from tests.web import SignIn, post_form


def test_a_profile_keeps_name_theme_and_colours(signed_in: SignIn) -> None:
    client = signed_in()
    post_form(client, "/profile", display_name="Mara", theme="light", updown="blue-orange")
    page = client.get("/profile").text
    assert 'data-bs-theme="light" data-updown="blue-orange"' in page
    assert 'value="Mara"' in page
    assert "Your profile is saved." in page
    post_form(client, "/logout")
    assert 'data-bs-theme="light"' in client.get("/login").text


def test_the_theme_can_follow_the_system(signed_in: SignIn) -> None:
    client = signed_in()
    post_form(client, "/profile", display_name="Mara", theme="system", updown="green-red")
    light = client.get("/profile", headers={"Sec-CH-Prefers-Color-Scheme": "light"})
    assert 'data-bs-theme="light"' in light.text
    assert 'data-bs-theme="dark"' in client.get("/profile").text


@pytest.mark.parametrize("fault", [{"theme": "pink"}, {"updown": "x"}, {"display_name": "x" * 81}])
def test_a_profile_with_a_fault_is_refused(signed_in: SignIn, fault: dict) -> None:
    fields = {"display_name": "Mara", "theme": "dark", "updown": "teal-vermillion"} | fault
    assert post_form(signed_in(), "/profile", **fields).status_code == 422


def test_a_name_with_control_characters_is_refused_on_the_page(signed_in: SignIn) -> None:
    answer = post_form(signed_in(), "/profile", display_name="a\x07b", theme="dark", updown="teal-vermillion")
    assert answer.status_code == 422
    assert "printable" in answer.text


def test_a_name_is_escaped_on_every_page(signed_in: SignIn) -> None:
    client = signed_in()
    post_form(client, "/profile", display_name="<img src=x onerror=XSS=1>", theme="dark", updown="teal-vermillion")
    for path in ("/profile", "/password", "/sessions", "/"):
        assert "<img src=x" not in client.get(path).text
