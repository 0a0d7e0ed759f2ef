"""Secrets at rest."""

import base64

import pytest

from core import vault
from core.errors import Unavailable

KEY = "k" * 40


def test_what_is_sealed_opens_again_and_never_looks_the_same_twice() -> None:
    first, second = vault.seal(KEY, "totp", "JBSWY3DPÄ"), vault.seal(KEY, "totp", "JBSWY3DPÄ")
    assert first != second
    assert "JBSW" not in first
    assert vault.unseal(KEY, "totp", first) == vault.unseal(KEY, "totp", second) == "JBSWY3DPÄ"


@pytest.mark.parametrize(("key", "purpose"), [("x" * 40, "totp"), (KEY, "exchange")])
def test_another_key_or_purpose_does_not_open_it(key: str, purpose: str) -> None:
    with pytest.raises(Unavailable, match="SECRET_KEY"):
        vault.unseal(key, purpose, vault.seal(KEY, "totp", "secret"))


def test_one_changed_bit_is_noticed() -> None:
    raw = bytearray(base64.urlsafe_b64decode(vault.seal(KEY, "totp", "secret")))
    raw[-1] ^= 1
    with pytest.raises(Unavailable):
        vault.unseal(KEY, "totp", base64.urlsafe_b64encode(raw).decode())
