"""Say something to the person at the page, from inside a callback."""

from typing import Any, Literal

from dash import set_props

from core.clock import to_ms, utc_now
from layouts import ids

Kind = Literal["ok", "warn", "bad", "plain"]


def say(
    title: str, text: str = "", *, kind: Kind = "ok", href: str | None = None, reference: str | None = None
) -> None:
    """Show one toast. Errors (`bad`) stay until closed; `href` becomes a link, `reference` is for an admin."""
    set_props(ids.Shell.TOAST, {"data": toast(title, text, kind=kind, href=href, reference=reference)})


def toast(
    title: str, text: str = "", *, kind: Kind = "ok", href: str | None = None, reference: str | None = None
) -> dict[str, Any]:
    """The data of one toast; the time makes two equal ones differ."""
    given = {"title": title, "text": text, "kind": kind, "href": href, "reference": reference}
    return {**{k: v for k, v in given.items() if v}, "at": to_ms(utc_now())}
