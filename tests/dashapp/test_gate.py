"""The gate: who is nobody sees nothing."""


def test_a_stranger_is_led_to_the_sign_in(client, owner):
    answer = client.get("/")
    assert (answer.status_code, answer.location) == (302, "/login")
