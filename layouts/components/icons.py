"""Icons: names from the Bootstrap Icons sprite, drawn by CSS masks that `dashapp.static_files` builds from it.

Only names listed here are served; `icon` refuses others, so that a missing drawing is found by the first test.
"""

from dash import html

NAMES = (
    "arrow-clockwise",
    "arrow-down",
    "arrow-left",
    "arrow-right",
    "arrow-up",
    "bar-chart-line",
    "bell",
    "box-arrow-right",
    "boxes",
    "bullseye",
    "camera",
    "check-circle",
    "check2-square",
    "check-lg",
    "chevron-down",
    "chevron-right",
    "circle-half",
    "clipboard",
    "cloud-slash",
    "cpu",
    "dash-lg",
    "download",
    "exclamation-circle",
    "exclamation-triangle",
    "eye",
    "eye-slash",
    "file-earmark-arrow-up",
    "fullscreen",
    "grid-1x2",
    "info-circle",
    "key",
    "keyboard",
    "layers",
    "link-45deg",
    "list",
    "list-columns-reverse",
    "lock",
    "moon",
    "pencil",
    "person",
    "plug",
    "plus-lg",
    "search",
    "shield-lock",
    "slash-circle",
    "sliders",
    "star",
    "star-fill",
    "stop-circle",
    "sun",
    "three-dots",
    "trash",
    "upload",
    "x-circle",
    "x-lg",
)


def icon(name: str, *, small: bool = False) -> html.I:
    """A decorative icon, 16 px or 14 px, in the colour of the text around it; screen readers pass over it."""
    if name not in NAMES:
        raise KeyError(f"icon “{name}” is not listed in layouts.components.icons.NAMES")
    return html.I(className=f"icon s i-{name}" if small else f"icon i-{name}", **{"aria-hidden": "true"})
