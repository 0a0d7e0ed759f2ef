"""Ids: every wired one is drawn somewhere, every known one is used, and none stands for two things."""

import inspect
import re
from functools import lru_cache
from typing import Any

from callbacks.attach import modules
from callbacks.wiring import Wire
from layouts import ids
from tests.architecture.source import ROOT, sources


@lru_cache
def known() -> dict[str, str]:
    """`Charts.PANE` → `charts-pane`, for every page."""
    pages = [(name, page) for name, page in vars(ids).items() if inspect.isclass(page)]
    return {f"{name}.{word}": value for name, page in pages for word, value in vars(page).items() if word.isupper()}


def wires() -> list[tuple[str, Wire]]:
    return [(module.__name__, wire) for module in modules() for wire in module.wire.wires]


def word_of(component_id: Any) -> str:
    return str(component_id["type"]) if isinstance(component_id, dict) else str(component_id)


def mentions(text: str, name: str) -> bool:
    return re.search(rf"\bids\.{re.escape(name)}\b", text) is not None


def browser_files() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "assets").glob("*.js")))


def test_every_wired_id_is_one_of_the_known_words() -> None:
    words = set(known().values())
    for module, wire in wires():
        for part in wire.parts():
            assert word_of(part.component_id) in words, f"{module} wires {part}, which layouts.ids does not know"


def test_every_wired_id_is_drawn_somewhere() -> None:
    text = "\n".join(source.text for source in sources("layouts"))
    wired = {word_of(part.component_id) for _, wire in wires() for part in wire.parts()}
    missing = [name for name, value in known().items() if value in wired and not mentions(text, name)]
    assert missing == [], "wired, but no layout draws it"


def test_every_known_id_is_drawn_and_used() -> None:
    layouts = "\n".join(s.text for s in sources("layouts") if s.path.name != "ids.py")
    callbacks = "\n".join(s.text for s in sources("callbacks", "dashapp"))
    script = browser_files()
    for name, value in known().items():
        assert mentions(layouts, name), f"ids.{name} is drawn nowhere"
        used = (
            mentions(callbacks, name)
            or re.search(rf"[\"'`#]{re.escape(value)}\b", script)
            or value.startswith("_pages")
        )
        assert used, f"ids.{name} ({value}) is used by no callback and no script"


def test_no_id_stands_for_two_things() -> None:
    values = list(known().values())
    twice = {value for value in values if values.count(value) > 1}
    assert twice == set()


def test_each_output_has_one_writer() -> None:
    writers: dict[str, str] = {}
    for module, wire in wires():
        for part in wire.parts():
            if type(part).__name__ == "Output" and not part.allow_duplicate:
                key = str(part)
                assert key not in writers, f"{module} and {writers[key]} both write {key}"
                writers[key] = module


def test_browser_functions_that_are_wired_exist() -> None:
    script = browser_files()
    for module, wire in wires():
        if isinstance(wire.target, str):
            word = wire.target.partition(".")[2]
            assert re.search(rf"\b{word}\b\s*[(:]|\b{word}\s*=", script), (
                f"{module} wires {wire.target}: no such function"
            )
