"""Every setting stands in the pages that are generated from it, and the code reads no variable beside them."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from core import settings
from dashapp.cli import settings_docs
from dashapp.version import ROOT

PACKAGES = ("core", "db", "market", "ml", "alerts", "layouts", "callbacks", "dashapp", "workers", "demo")


@pytest.mark.parametrize("path", sorted(settings_docs.files(ROOT)), ids=lambda path: path.name)
def test_generated_pages_are_those_the_settings_make(path: Path) -> None:
    wanted = settings_docs.files(ROOT)[path]
    assert path.read_text(encoding="utf-8") == wanted, "run: python -m dashapp settings --write"


def test_the_readme_holds_the_table() -> None:
    assert settings_docs.table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_has_a_sentence_and_a_default_that_can_be_read() -> None:
    assert [name for name, _, about in settings.describe() if not about.endswith(".")] == []
    assert settings.read({}) == settings.read({name: default for name, default, _ in settings.describe()})


def test_a_text_without_the_marks_is_left_alone() -> None:
    assert settings_docs.readme("# Another page\n") == "# Another page\n"
    marked = f"a\n{settings_docs.BEGIN}\nold\n{settings_docs.END}\nz\n"
    assert settings_docs.readme(settings_docs.readme(marked)) == settings_docs.readme(marked)
    assert "\nold\n" not in settings_docs.readme(marked)


def test_no_code_reads_a_variable_that_is_no_setting() -> None:
    known = {settings.variable(field.name) for field in fields(settings.Settings)}
    reads = re.compile(r"""environ(?:\.get\(|\[)["']([A-Z_]+)["'](?!\] =)""")  # to set one is no reading
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in reads.findall(path.read_text(encoding="utf-8"))
        if name not in known
    ]
    assert found == [], "read it in core/settings.py"
