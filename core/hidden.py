"""What must never be shown: the secrets of a process, and passwords in addresses."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from urllib.parse import urlsplit

from core.settings import Settings, raw, variable

HIDDEN = "***"
HIDDEN_FROM = 8  # characters; to hide a shorter secret would hide half of the text with it
IN_ADDRESS = re.compile(r'(://[^/\s:@"]*:)[^@/\s"]+@')


def secrets_in(environ: Mapping[str, str]) -> set[str]:
    """The secrets of an environment, and the passwords of the addresses among them."""
    found = set()
    for knob in fields(Settings):
        if knob.metadata["secret"]:
            with suppress(ValueError):  # a file that can't be read holds no secret that could be shown
                value = raw(variable(knob.name), environ)
                found |= {value, urlsplit(value).password or ""}
    return found - {""}


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, and without the password of any address."""
    for secret in secrets:
        if len(secret) >= HIDDEN_FROM:
            text = text.replace(secret, HIDDEN)
    return IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)
