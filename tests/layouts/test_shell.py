"""What stands around every page, and the small components pages are made of."""

import dash_bootstrap_components as dbc
import pytest
from dash import html
from dash.development.base_component import Component

from core.roles import Role
from layouts import ids, shell, site_map
from layouts.components import feedback, forms, icons, shortcuts, tables
from layouts.figures import base
from layouts.pages import not_found_404

VIEWER = shell.Viewer("Mara Lind", "mara@example.org", "analyst")


def drawn() -> list[Component]:
    whole = shell.layout(VIEWER, {"theme": "dark", "updown": "teal-vermillion"}, "1.2.3")
    return [whole, *(part for part in whole._traverse() if isinstance(part, Component))]


def of_kind(kind: type[Component], parts: list[Component]) -> list[Component]:
    return [part for part in parts if isinstance(part, kind)]


def props(component: Component) -> dict[str, object]:
    found: dict[str, object] = component.to_plotly_json()["props"]
    return found


def words(component: Component | str) -> str:
    if isinstance(component, str):
        return component
    children = getattr(component, "children", None)
    listed = children if isinstance(children, list | tuple) else [children]
    return " ".join(words(child) for child in listed if isinstance(child, Component | str))


def test_page_has_its_landmarks() -> None:
    parts = drawn()
    for kind in (html.Header, html.Main, html.Footer):
        assert len(of_kind(kind, parts)) == 1
    names = [props(nav)["aria-label"] for nav in of_kind(html.Nav, parts)]
    assert len(set(names)) == len(names) == 2


def test_first_link_skips_to_the_page() -> None:
    first = of_kind(html.A, drawn())[0]
    assert (first.href, first.className) == ("#main", "skip")
    assert of_kind(html.Main, drawn())[0].id == "main"


def test_every_button_has_a_name() -> None:
    for button in of_kind(html.Button, drawn()):
        assert words(button).strip() or props(button).get("aria-label"), props(button)


def test_no_component_id_is_drawn_twice() -> None:
    seen = [part.id for part in drawn() if getattr(part, "id", None)]
    assert len(seen) == len(set(map(str, seen)))


def test_status_line_names_version_and_zone() -> None:
    assert "Bolt 1.2.3 · times in UTC" in words(of_kind(html.Footer, drawn())[0])


@pytest.mark.parametrize(
    ("name", "initials"), [("Mara Lind", "ML"), ("olga", "OL"), ("ada@example.org", "AE"), ("Zoë M. K.", "ZM")]
)
def test_initials_come_from_the_name(name: str, initials: str) -> None:
    assert shell.Viewer(name, "", "viewer").initials == initials


def test_menu_holds_the_pages_that_exist() -> None:
    links = [link.href for link in of_kind(html.Nav, drawn())[0].children]
    assert links == [page.path for page in site_map.PAGES if page.menu and page.role is not Role.ADMIN]


def test_admins_see_their_desk_in_menu_shortcuts_and_palette_and_others_do_not() -> None:
    for role in Role:
        whole = shell.layout(shell.Viewer("Olga", "o@example.org", role), {"theme": "dark", "updown": "x"}, "1")
        assert ("/admin" in str(whole)) == (role is Role.ADMIN)
        assert bool(shell.page_hits("admin", role)) == (role is Role.ADMIN)


def test_addresses_find_their_page() -> None:
    charts = site_map.page_of("/charts/binance/BTC-USDT")
    assert charts is not None
    assert charts is site_map.page_of("/charts")
    assert site_map.page_of("/charts/binance") is None
    assert site_map.page_of("/charts//BTC-USDT") is None
    assert site_map.page_of("/nowhere") is None


def test_page_keys_are_all_different() -> None:
    keys = [shortcut.keys for shortcut in shortcuts.shortcuts(Role.ADMIN)]
    assert len(keys) == len(set(keys))


def test_palette_lists_pages_and_markets_under_their_heads() -> None:
    assert words(shell.page_hits("CHART")[0]) == "Pages"
    assert shell.page_hits("zzz") == []
    head, row = shell.market_hits([("BTC/USDT", "Bitcoin", "demo", "/charts/demo/BTC-USDT", True)])
    assert words(head) == "Markets"
    assert (row.href, words(row).split()) == ("/charts/demo/BTC-USDT", ["BTC/USDT", "Bitcoin", "demo", "SIM"])
    assert shell.market_hits([]) == []
    assert "zzz" in words(shell.found_nothing("zzz"))


def test_status_dots_differ_in_shape() -> None:
    assert len({feedback.DOTS[kind] for kind in ("ok", "warn", "bad", "off", "sim")}) == 5
    dot, text = shell.status("warn", "one source is silent")
    assert dot.className == "dot w"
    assert words(text) == "one source is silent"


def test_unknown_icons_are_refused() -> None:
    with pytest.raises(KeyError, match="rocket"):
        icons.icon("rocket")


def test_page_not_found_offers_a_way_out() -> None:
    page = not_found_404.layout(any="thing")
    assert "There is no page at this address" in words(page)


def test_page_without_permission_says_who_may_open_it() -> None:
    assert "analysts and admins" in words(feedback.no_permission("Models", Role.ANALYST))


def test_strips_tell_screen_readers_how_urgent_they_are() -> None:
    assert feedback.note_strip("Kraken is stale").role == "status"
    assert feedback.note_strip("Kraken does not answer", kind="bad").role == "alert"
    assert "SIMULATED" in words(feedback.simulated_strip("Nothing here is real."))


def test_states_of_a_pane_say_what_they_are() -> None:
    action = forms.button("Import candles", kind="primary")
    assert words(feedback.empty("No candles yet", "They will stand here.", [action])).endswith("Import candles")
    assert feedback.failed("Kraken is silent", "Trying again.").role == "alert"
    assert "broke" in words(feedback.broken("Charts", "Not found", "It broke."))
    assert feedback.skeleton(3).role == "status"
    assert feedback.badge("Stale", "warn").className == "badge warn"
    assert feedback.freshness("demo · 2 s", "sim").className == "fresh simc"


def test_pane_and_strip_and_key_figures_hold_what_they_are_given() -> None:
    pane = feedback.pane("Rules", "body", sub="all", end="x", label="Rules of the market")
    assert words(pane) == "Rules all x body"
    assert props(pane)["aria-label"] == "Rules of the market"
    cells = feedback.strip([feedback.stat("Last", "93,738.20", "2 s", tone="t4", note_tone="warn")], "calls")
    assert cells.className == "strip calls"
    assert words(cells) == "Last 93,738.20 2 s"
    assert words(feedback.key_figures([("Source", "demo"), ("Age", "2 s")])) == "Source demo Age 2 s"
    assert words(feedback.headline("None has beaten it.", "So far.")) == "None has beaten it. So far."


def test_loading_waits_before_it_shows() -> None:
    assert feedback.loading(html.Div()).delay_show == 200


def test_field_ties_its_label_to_the_control() -> None:
    made = forms.field("Horizon, bars", dbc.Input(id="any-horizon"), hint="1 to 96", error_id="any-error")
    label = made.children[0]
    assert label.html_for == "any-horizon"
    assert props(made.children[-1])["role"] == "alert"
    assert words(forms.problem("Give a number.")[1]) == "Give a number."
    assert forms.problem(None) == []


def test_buttons_carry_words_or_a_label() -> None:
    assert forms.button("Train model", kind="primary", icon_name="cpu").color == "primary"
    assert props(forms.icon_button("x-lg", "Remove", id="any-remove"))["aria-label"] == "Remove"
    assert forms.segments("any", [("All", "all"), ("Mine", "mine")], "all", label="Whose").role == "group"
    dialog = forms.confirm("any-dialog", "Delete it?", "It is gone then.", yes=html.B("Delete"), no=html.B("Keep"))
    assert dialog.is_open is False


def test_table_aligns_numbers_and_names_itself() -> None:
    columns = [tables.Column("Market"), tables.Column("Last", number=True, words="m-drop")]
    made = tables.table(columns, [tables.Row(["BTC", "1.00"], words="sel", key="row-1")], label="Markets", dense=True)
    assert props(made)["aria-label"] == "Markets"
    head, body = made.children
    assert [cell.className for cell in head.children.children] == ["", "num m-drop"]
    assert (body.children[0].className, body.children[0].id) == ("sel", "row-1")


def test_table_refuses_a_row_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="zip"):
        tables.table([tables.Column("A")], [tables.Row(["1", "2"])], label="x")


def test_meter_stays_between_nothing_and_all() -> None:
    assert props(tables.meter(1.7, label="Epochs"))["aria-valuenow"] == "100"
    assert props(tables.meter(-1, kind="w", label="Disk"))["aria-valuenow"] == "0"
    assert tables.market("BTC/USDT", "demo", href="/charts/demo/BTC-USDT").children[0].href == "/charts/demo/BTC-USDT"


def test_figures_have_a_summary_in_words() -> None:
    made = base.graph("any-graph", base.figure(dark=True, updown="teal-vermillion"), summary="Loss falls to 0.98.")
    assert words(made.children[0]) == "Loss falls to 0.98."
    assert props(made.children[1])["config"]["displayModeBar"] is False


def test_ids_of_the_shell_are_what_the_browser_script_calls_them() -> None:
    from dashapp.static_files import ASSETS

    script = (ASSETS / "10-shell.js").read_text(encoding="utf-8")
    for name in (ids.Shell.APP, ids.Shell.LOOK, ids.Shell.PALETTE_RESULTS):
        assert f'"{name}"' in script
