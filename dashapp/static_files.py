"""Bolt's own style and script, Bootstrap's CSS, icons and fonts, under one fingerprint: `/static/<fingerprint>/<name>`.

Everything comes from Python packages or from `assets/`; nothing third-party lies in the repository. The fingerprint
covers all files, so the addresses may be cached for a year, and relative addresses inside the CSS hold. These files
are public: sign-in needs them.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import flask_bootstrap
from flask import Blueprint, Flask, Response, abort

from dashapp import packed_files
from layouts.components.icons import NAMES

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
FONTS = ROOT / "build" / "fonts"
BOOTSTRAP = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
YEAR = 31_536_000

# file in build/fonts, family, weight
FACES = (
    ("plex-sans.woff2", "IBM Plex Sans Variable", "100 700"),
    ("plex-mono-400.woff2", "IBM Plex Mono", "400"),
    ("plex-mono-500.woff2", "IBM Plex Mono", "500"),
)


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """Names and contents, and the fingerprint of them all."""

    files: dict[str, bytes]
    fingerprint: str

    def url(self, name: str) -> str:
        """The address of a file; KeyError where there is none of that name."""
        if name not in self.files:
            raise KeyError(f"no static file “{name}”")
        return f"/static/{self.fingerprint}/{name}"


@lru_cache
def static_files() -> StaticFiles:
    """Read once per process."""
    files = {
        "bootstrap.css": _without_map(BOOTSTRAP / "css" / "bootstrap.min.css"),
        "bolt.css": "\n".join([_joined("*.css"), icon_css(), _font_css()]).encode(),
        "bolt.js": _joined("*.js").encode(),
    }
    for path in (*ASSETS.glob("*.svg"), *ASSETS.glob("*.webmanifest")):
        files[path.name] = path.read_bytes()
    files |= {f"fonts/{name}": (FONTS / name).read_bytes() for name, _, _ in _faces()}
    digest = hashlib.sha256(b"".join(name.encode() + content for name, content in sorted(files.items())))
    return StaticFiles(files, digest.hexdigest()[:12])


def _joined(pattern: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(ASSETS.glob(pattern)))


def _without_map(path: Path) -> bytes:
    return re.sub(rb"/\*# sourceMappingURL=.*?\*/", b"", path.read_bytes())


def icon_css() -> str:
    """A mask for each icon that is used, cut out of the sprite of the Bootstrap-Flask package."""
    sprite = (BOOTSTRAP / "icons" / "bootstrap-icons.svg").read_text(encoding="utf-8")
    return "\n".join(
        f'.i-{name} {{ --icon: url("data:image/svg+xml,{quote(_drawing(sprite, name))}"); }}' for name in NAMES
    )


def _drawing(sprite: str, name: str) -> str:
    symbol = re.search(rf'<symbol[^>]*viewBox="([^"]+)" id="{re.escape(name)}">(.*?)</symbol>', sprite, re.DOTALL)
    if symbol is None:
        raise KeyError(f"the sprite of Bootstrap-Flask has no icon “{name}”")
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{symbol[1]}">{symbol[2]}</svg>'


def _faces() -> list[tuple[str, str, str]]:
    """The fonts that have been built; without them the system's fonts serve."""
    return [face for face in FACES if (FONTS / face[0]).is_file()]


def _font_css() -> str:
    return "\n".join(
        f'@font-face {{ font-family: "{family}"; src: url(fonts/{name}) format("woff2"); '
        f"font-weight: {weight}; font-display: swap; }}"
        for name, family, weight in _faces()
    )


def register(app: Flask) -> None:
    """Serve the files, and give templates `static_file(name)`."""
    blueprint = Blueprint("static_files", __name__)

    @blueprint.get("/static/<fingerprint>/<path:name>")
    def serve(fingerprint: str, name: str) -> Response:
        files = static_files()
        if name not in files.files:
            abort(404)
        response = Response(files.files[name], content_type=TYPES[Path(name).suffix])
        response.cache_control.public = True
        if fingerprint == files.fingerprint:
            response.cache_control.max_age = YEAR
            response.cache_control.immutable = True
        else:
            response.cache_control.no_cache = True
        return response

    app.register_blueprint(blueprint)
    packed_files.register(app)
    app.jinja_env.globals["static_file"] = static_files().url
