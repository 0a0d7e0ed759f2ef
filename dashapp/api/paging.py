"""Cursors: where the next page begins, by the key of the last item. New items neither shift nor repeat any."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request

from dashapp.api.problems import wrong
from dashapp.api.route import Reply
from dashapp.api.schemas import Paged

Key = tuple[int | str, ...]
Item = TypeVar("Item")

LARGEST = 2**63 - 1


def encode(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The key a cursor stands for, of these types; None without a cursor. Raises Invalid for a made-up one."""
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds) or not all(map(_sane, key)):
        raise wrong("query", "cursor", "This is no next_cursor of an earlier answer.")
    return tuple(key)


def _sane(part: int | str) -> bool:
    return "\x00" not in part if isinstance(part, str) else abs(part) <= LARGEST


def cut(found: list[Item], limit: int, key: Callable[[Item], Key]) -> tuple[list[Item], str | None]:
    """The page and its `next_cursor`, of `limit` + 1 items found."""
    return found[:limit], encode(key(found[limit - 1])) if len(found) > limit else None


def page(model: Paged) -> Reply:
    """An answer with the address of the next page as a `Link`."""
    if model.next_cursor is None:
        return Reply(model)
    arguments = request.args.to_dict() | {"cursor": model.next_cursor}
    return Reply(model, headers={"Link": f'<{request.path}?{urlencode(arguments)}>; rel="next"'})
