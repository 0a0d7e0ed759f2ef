"""Every page, in menu order. A page's layout is the function `layout` of `layouts.pages.<module>`."""

from dataclasses import dataclass

from core.roles import Role, covers


@dataclass(frozen=True, slots=True)
class Page:
    """`path_template` is the address with `<words>` in it that become arguments of `layout`, or None.

    `wide` pages collapse the side nav to icons; `keys` goes there from the keyboard.
    """

    path: str
    path_template: str | None
    title: str
    icon: str
    role: Role
    module: str
    menu: bool = True
    wide: bool = False
    keys: str = ""


PAGES = (
    Page("/", None, "Overview", "grid-1x2", Role.VIEWER, "overview", keys="g v"),
    Page(
        *("/charts", "/charts/<exchange>/<symbol>", "Charts", "bar-chart-line", Role.VIEWER, "charts"),
        wide=True,
        keys="g c",
    ),
    Page("/markets", None, "Markets", "list-columns-reverse", Role.VIEWER, "markets", keys="g m"),
    Page("/predictions", "/predictions/<part>", "Predictions", "bullseye", Role.VIEWER, "predictions", keys="g p"),
    Page("/models", None, "Models", "boxes", Role.VIEWER, "models", keys="g o"),
    Page("/data-quality", None, "Data quality", "check2-square", Role.VIEWER, "data_quality", keys="g d"),
    Page("/admin", "/admin/<part>", "Admin", "shield-lock", Role.ADMIN, "admin", keys="g a"),
)


def in_menu(role: str = Role.VIEWER) -> tuple[Page, ...]:
    """The pages that somebody with this role sees in menus, lists and shortcuts."""
    return tuple(page for page in PAGES if page.menu and not hidden(page, role))


def hidden(page: Page, role: str) -> bool:
    """Pages for admins do not exist for others: the same answer as at any other address without a page."""
    return page.role is Role.ADMIN and not covers(role, Role.ADMIN)


def page_of(pathname: str) -> Page | None:
    """The page that answers an address, or None."""
    parts = pathname.strip("/").split("/")
    for page in PAGES:
        if pathname.strip("/") == page.path.strip("/") or (page.path_template and _fits(parts, page.path_template)):
            return page
    return None


def _fits(parts: list[str], template: str) -> bool:
    wanted = template.strip("/").split("/")
    pairs = zip(parts, wanted, strict=False)
    return len(parts) == len(wanted) and all(have and (want == have or want.startswith("<")) for have, want in pairs)
