"""The map, places and suggestions of the listings page in a real Chromium: by pointer, by keys, without WebGL."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from .browser import Window, Windows
from .conftest import until
from .web_owner import (
    Owner,
    assert_accessible_in_every_look,
    assert_no_sideways_scroll,
    search_of,
    tab_to,
    total,
)

pytest_plugins = [f"{__package__}.web_owner"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]
CANVAS = "canvas.maplibregl-canvas"
PHONE = 390
ZOOMS = 12


def the_map(page: Page) -> Locator:
    """The map once it stands still with its pins."""
    region = page.get_by_role("region", name="Map of listings")
    expect(region.locator("[data-pin]").first).to_be_visible()
    expect(region.get_by_text(re.compile(r"^[\d,]+ of [\d,]+ on the map$"))).to_be_visible()
    page.wait_for_load_state("networkidle")
    return region


def mapped(page: Page) -> tuple[int, int]:
    """How many of how many listings have a place, as the map says."""
    words = the_map(page).get_by_text(re.compile(r" on the map$")).inner_text()
    have, of = re.findall(r"[\d,]+", words)
    return int(have.replace(",", "")), int(of.replace(",", ""))


def pinned(page: Page) -> int:
    """How many listings the pins stand for."""
    texts = the_map(page).locator("[data-pin]").all_inner_texts()
    return sum(1 if text.startswith("$") else int(text.replace(",", "")) for text in texts)


def expect_pinned(page: Page, listings: int) -> None:
    """The pins come a moment after the list."""
    until("the pins stand for as many", lambda: pinned(page), seconds=15, enough=lambda found: found == listings)


def expect_total(page: Page, listings: int) -> None:
    expect(page.get_by_role("status").filter(has_text=re.compile(rf"^{listings:,} listings?$"))).to_be_visible()


def test_map_and_list_show_the_same_listings(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings?status=Active&min_beds=3")
        found = total(page)
        assert mapped(page)[1] == found
        assert mapped(page)[0] > 0
        expect_pinned(page, mapped(page)[0])
        page.get_by_role("complementary", name="Filters").get_by_label("Pending", exact=True).check()
        page.wait_for_url(re.compile(r"Pending"))
        more = total(page)
        assert more > found
        expect(the_map(page).get_by_text(re.compile(rf"of {more:,} on the map$"))).to_be_visible()
        expect_pinned(page, mapped(page)[0])


def test_search_goes_to_where_the_map_was_moved_and_survives_a_reload(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings")
        everything = total(page)
        the_map(page).get_by_role("button", name="Zoom in", exact=True).click()
        the_map(page).get_by_role("button", name="Search this area").click()
        page.wait_for_url(re.compile(r"bbox="))
        found = total(page)
        assert 0 < found < everything
        expect(the_map(page).get_by_text(f"{found:,} of {found:,} on the map")).to_be_visible()
        expect_pinned(page, found)
        search = search_of(page)
        page.reload()
        assert total(page) == found
        assert search_of(page) == search
        expect_pinned(page, found)
        page.go_back()
        expect_total(page, everything)


def test_search_follows_the_map_when_asked_to(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings")
        everything = total(page)
        the_map(page).get_by_label("Search as I move").check()
        page.wait_for_url(re.compile(r"bbox="))

        def closer() -> tuple[int, int]:
            """A map that still draws the answer before takes no key."""
            page.locator(CANVAS).focus()
            page.keyboard.press("+")
            return pinned(page), total(page)

        until(
            "list and pins agree on fewer",
            closer,
            seconds=15,
            enough=lambda found: found[0] == found[1] < everything,
            every=1.5,
        )


def test_pins_are_reached_by_keys_and_lead_to_a_listing(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings?status=Active&min_beds=3")
        the_map(page)
        page.get_by_role("button", name="Load more").focus()
        tab_to(page, CANVAS)
        tab_to(page, "[data-pin]")
        first = page.locator(":focus").get_attribute("data-pin")
        page.keyboard.press("ArrowDown")
        expect(page.locator("[data-pin]:focus")).not_to_have_attribute("data-pin", first or "")
        address = zoom_to_a_single_pin(page)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(re.escape(address.split(",")[0])))
        page.go_back()
        assert search_of(page) == {"status": ["Active"], "min_beds": ["3"]}


def zoom_to_a_single_pin(page: Page) -> str:
    """Enter on cluster after cluster, the focus staying among the pins; gives the address of the pin reached."""
    for _ in range(ZOOMS):
        focused = page.locator("[data-pin]:focus")
        expect(focused).to_be_visible()
        if focused.evaluate("pin => pin.tagName") == "A":
            return (focused.get_attribute("aria-label") or "").split(", ", 1)[1]
        name = focused.get_attribute("aria-label")
        page.keyboard.press("Enter")
        expect(page.locator(f'[data-pin]:focus[aria-label="{name}"]')).to_have_count(0)
        the_map(page)
    raise AssertionError(f"no single pin after {ZOOMS} clusters")


def test_area_is_drawn_with_keys_alone(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings")
        everything = total(page)
        the_map(page).get_by_role("button", name="Search an area").focus()
        page.keyboard.press("Enter")
        page.get_by_role("menuitem", name="Draw on the map").focus()
        page.keyboard.press("Enter")
        expect(page.locator(CANVAS)).to_be_focused()
        for corner, step in enumerate(("ArrowRight", "ArrowDown", "ArrowLeft"), start=1):
            page.keyboard.press("Space")
            expect(page.get_by_text(re.compile(rf"^{corner} corners?$"))).to_be_visible()
            page.keyboard.press(step)
            page.wait_for_load_state("networkidle")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"polygon="))
        assert len(search_of(page)["polygon"][0].split(";")) == 3
        expect(page.get_by_role("button", name="Remove filter: Drawn area, 3 corners")).to_be_visible()
        assert total(page) < everything
        page.get_by_role("button", name="Clear area").click()
        expect_total(page, everything)


def test_area_is_drawn_by_single_presses_and_by_coordinates(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings")
        the_map(page).get_by_role("button", name="Search an area").click()
        page.get_by_role("menuitem", name="Draw on the map").click()
        for x, y in ((60, 200), (460, 200), (460, 500), (60, 500)):
            page.locator(CANVAS).click(position={"x": x, "y": y})
        page.get_by_role("button", name="Done").click()
        page.wait_for_url(re.compile(r"polygon="))
        drawn = total(page)
        assert drawn > 0
        the_map(page).get_by_role("button", name="Change area").click()
        page.get_by_role("menuitem", name="Enter coordinates").click()
        dialog = page.get_by_role("dialog", name="Area by coordinates")
        corners = dialog.get_by_label("Corners").input_value().splitlines()
        assert len(corners) == 4
        dialog.get_by_label("Corners").fill("\n".join(corners[:3]))
        dialog.get_by_role("button", name="Search this area").click()
        expect(page.get_by_role("button", name="Remove filter: Drawn area, 3 corners")).to_be_visible()
        assert total(page) <= drawn


def test_listing_shows_where_it_is_and_what_is_near(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings?status=Active&near=42.03,-93.62&radius=16000")
        page.get_by_role("article").first.get_by_role("link").click()
        where = page.get_by_role("region", name="Location")
        expect(where.get_by_role("img")).to_be_visible()
        where.get_by_role("link", name="Listings within a mile").click()
        page.wait_for_url(re.compile(r"near="))
        assert search_of(page)["sort"] == ["distance"]
        near = total(page)
        page.get_by_label("Radius").select_option(label="0.5 mi")
        page.wait_for_url(re.compile(r"radius=805"))
        assert 0 < total(page) <= near


def test_suggestions_are_chosen_by_keys(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings")
        box = page.get_by_role("combobox", name="Search listings")
        box.press_sequentially("Ame")
        options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        expect(options.first).to_be_visible()
        expect(box).to_have_attribute("aria-expanded", "true")
        # What was typed is searched for, too; the old results are dimmed until the new ones are there.
        page.wait_for_url(re.compile(r"q=Ame"))
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        assert_accessible_in_every_look(window, "suggestions")
        city = page.get_by_role("group", name="Cities").get_by_role("option", name=re.compile("^Ames"))
        expect(city).to_be_visible()
        reach(page, city)
        expect(box).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"city=Ames"))
        assert search_of(page) == {"city": ["Ames"]}
        expect(box).to_have_value("")
        street = page.get_by_role("article").first.get_by_role("link").inner_text()
        box.press_sequentially(street)
        address = page.get_by_role("group", name="Addresses").get_by_role("option", name=street).first
        expect(address).to_be_visible()
        page.keyboard.press("Escape")
        expect(options).to_have_count(0)
        expect(box).to_have_value(street)
        page.keyboard.press("ArrowDown")
        expect(address).to_be_visible()
        reach(page, address)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(street)


def reach(page: Page, option: Locator) -> None:
    """Goes down the list by the arrow key until this option is the active one."""
    for _ in range(page.get_by_role("option").count()):
        page.keyboard.press("ArrowDown")
        if option.get_attribute("aria-selected") == "true":
            return
    raise AssertionError("the arrow key did not reach the option")


def test_facets_say_what_a_filter_would_bring(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state) as window:
        page = window.page
        window.go("/listings?view=list")
        row = page.get_by_role("complementary", name="Filters").locator("label").filter(has_text=re.compile("^Pending"))
        promised = int(re.sub(r"\D", "", row.inner_text()))
        row.click()
        page.wait_for_url(re.compile(r"Pending"))
        assert total(page) == promised > 0


def test_every_filter_survives_a_reload(owner: Owner, windows: Windows) -> None:
    filters = {
        "q": "home",
        "min_price": "100000",
        "max_price": "400000",
        "min_beds": "2",
        "max_beds": "4",
        "min_year": "1950",
        "max_year": "2005",
        "status": "Active",
        "city": "Ames",
        "near": "42.03,-93.62",
        "radius": "8047",
        "sort": "-year",
    }
    with windows.open(owner.tenant.url, state=owner.state) as window:
        page = window.page
        window.go(f"/listings?{urlencode(filters)}")
        found = total(page)
        chips = page.get_by_role("list", name="Filters in force").get_by_role("listitem").all_inner_texts()
        assert len(chips) == 10
        page.reload()
        assert total(page) == found
        assert page.get_by_role("list", name="Filters in force").get_by_role("listitem").all_inner_texts() == chips
        assert {name: values[0] for name, values in search_of(page).items()} == filters


def test_phone_switches_between_list_and_map_and_keeps_the_search(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, width=PHONE, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings?status=Active")
        found = total(page)
        expect(page.locator(CANVAS)).to_have_count(0)
        page.get_by_role("button", name="Map", exact=True).click()
        assert mapped(page)[1] == found
        expect(page.get_by_role("article")).to_have_count(0)
        assert search_of(page) == {"status": ["Active"], "view": ["map"]}
        assert_no_sideways_scroll(page)
        page.get_by_role("button", name="List", exact=True).click()
        expect(page.get_by_role("article").first).to_be_visible()
        assert search_of(page) == {"status": ["Active"]}


def test_browser_without_webgl_has_the_list_and_is_told(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state) as window:
        window.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
        window.go("/listings")
        assert total(window.page) > 0
        expect(window.page.get_by_text("This browser cannot draw maps")).to_be_visible()
        expect(window.page.get_by_role("article").first).to_be_visible()


def test_axe_finds_nothing_on_what_opens_over_the_map(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        window.go("/listings?view=map")
        the_map(window.page)
        show_and_check(window)


def show_and_check(window: Window) -> None:
    """The drawing tool, the coordinates and a pin's preview, each in both themes and all widths."""
    page = window.page
    page.get_by_role("button", name="Search an area").click()
    page.get_by_role("menuitem", name="Draw on the map").click()
    page.get_by_role("button", name="Corner here").wait_for()
    assert_accessible_in_every_look(window, "drawing")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Search an area").click()
    page.get_by_role("menuitem", name="Enter coordinates").click()
    page.get_by_role("dialog", name="Area by coordinates").wait_for()
    assert_accessible_in_every_look(window, "coordinates")
    page.keyboard.press("Escape")
    the_map(page).locator("[data-pin]").first.focus()
    zoom_to_a_single_pin(page)
    page.get_by_role("list", name="Chosen on the map").wait_for()
    # A preview may lie on a pin for as long as it is open; the list offers what that pin does.
    found = [line for line in window.violations() if not (line.startswith("target-size") and "data-pin" in line)]
    assert not found, "\n".join(found)
