"""Fonts, cut to Latin and compressed: IBM Plex from its font packages into `build/fonts`, which git ignores.

Without them the system's fonts serve; nothing else changes.
"""

from importlib import import_module
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

# Basic Latin and Latin-1, the signs Bolt writes (dashes, quotes, minus, arrows), currencies, sub- and superscripts
LETTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x100),
    *(0x131, 0x152, 0x153, 0x160, 0x161, 0x178, 0x17D, 0x17E, 0x192, 0x2C6, 0x2DA, 0x2DC),
    *range(0x2000, 0x208F),
    *range(0x20A0, 0x20C0),
    *(0x2122, 0x2190, 0x2191, 0x2192, 0x2193, 0x2206, 0x2211, 0x2212, 0x2215, 0x221A, 0x221E, 0x2248, 0x2260),
    *(0x2264, 0x2265, 0x25CF, 0x25CB, 0x25C6, 0x2713),
)

# name in the browser, package, its file, the axes to fix
SOURCES: tuple[tuple[str, str, str, dict[str, float]], ...] = (
    ("plex-sans.woff2", "fontpkg_ibm_plex_sans", "IBMPlexSans[wdth,wght].ttf", {"wdth": 100}),
    ("plex-mono-400.woff2", "fontpkg_ibm_plex_mono", "IBMPlexMono-Regular.ttf", {}),
    ("plex-mono-500.woff2", "fontpkg_ibm_plex_mono", "IBMPlexMono-Medium.ttf", {}),
)


def build(folder: Path = BUILD) -> list[Path]:
    """Make the fonts that are not there yet in `folder/fonts`; returns those that were made."""
    fonts = folder / "fonts"
    fonts.mkdir(parents=True, exist_ok=True)
    made = []
    for name, package, source, axes in SOURCES:
        target = fonts / name
        if not target.is_file():
            compress(font_file(package, source), target, axes)
            made.append(target)
    return made


def font_file(package: str, name: str) -> Path:
    """Where an installed font package keeps a file."""
    module = import_module(package)
    if module.__file__ is None:
        raise FileNotFoundError(f"{package} has no folder")
    return Path(module.__file__).parent / "files" / name


def compress(source: Path, target: Path, axes: dict[str, float]) -> None:
    """Keep only LETTERS, fix the axes that are given, and write woff2; the target appears whole or not at all."""
    font = TTFont(source)
    options = subset.Options(flavor="woff2", layout_features=["kern", "liga", "calt", "mark", "mkmk", "ccmp", "locl"])
    options.drop_tables += ["meta"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=LETTERS)
    cutter.subset(font)
    if axes:
        font = instancer.instantiateVariableFont(font, axes)
    part = target.with_suffix(".part")
    subset.save_font(font, str(part), options)
    part.replace(target)
