"""Fonts cut to Latin."""

from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from dashapp import assets_build

MONO = ("plex-mono-400.woff2", "fontpkg_ibm_plex_mono", "IBMPlexMono-Regular.ttf", {})


def test_cut_font_keeps_latin_and_the_signs_of_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets_build, "SOURCES", (MONO,))
    (made,) = assets_build.build(tmp_path)
    letters = TTFont(made).getBestCmap()
    assert {ord(c) for c in "Bolt 0123456789 −—“”€é·"} <= set(letters)
    assert ord("Ж") not in letters
    assert made.stat().st_size < 40_000
    assert made.read_bytes()[:4] == b"wOF2"


def test_what_is_built_is_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets_build, "SOURCES", (MONO,))
    assets_build.build(tmp_path)
    assert assets_build.build(tmp_path) == []


def test_every_source_is_installed() -> None:
    for _, package, name, _ in assets_build.SOURCES:
        assert assets_build.font_file(package, name).is_file()
