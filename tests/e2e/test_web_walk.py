"""The web app in a real Chromium against the real stack: a brokerage's owner, from the one-time link to signing out."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from .browser import OPPOSITES, THEMES, Theme, Window, Windows
from .web_owner import (
    Owner,
    assert_accessible_in_every_look,
    assert_no_sideways_scroll,
    search_of,
    sign_in,
    tab_to,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = [f"{__package__}.web_owner"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]  # the fixtures have deadlines of their own


def assert_photo_loaded(page: Page) -> None:
    photo = page.get_by_role("region", name="Photos").get_by_role("img").first
    expect(photo).to_be_visible()
    photo.evaluate("image => image.decode()")
    assert photo.evaluate("image => image.naturalWidth") > 100


def test_owner_signs_in_searches_opens_a_listing_looks_at_the_feeds_and_signs_out(
    owner: Owner, windows: Windows
) -> None:
    with windows.open(owner.tenant.url) as window:
        page = window.page
        window.open(owner.tenant.url + "/sign-in")
        sign_in(page, owner.email, owner.password)
        everything = total(page)
        narrow_the_search(page)
        found = total(page)
        assert 0 < found < everything
        open_the_first_listing_and_come_back(page)
        assert total(page) == found
        look_at_the_feeds(page)
        with window.held(but="/auth/"):  # the page follows its feeds
            page.get_by_role("button", name=f"Account of {owner.tenant.owner_name}").click()
            page.get_by_role("menuitem", name="Sign out").click()
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert not [c for c in window.context.cookies() if c.get("name") == "__Host-session" and c.get("value")]


def narrow_the_search(page: Page) -> None:
    filters = page.get_by_role("complementary", name="Filters")
    filters.get_by_label("Active", exact=True).check()
    filters.get_by_role("group", name="Bedrooms").get_by_text("3+").click()
    filters.get_by_label("Maximum price").fill("250000")
    filters.get_by_label("Maximum price").press("Enter")
    page.get_by_label("Sort by").select_option("Price, high to low")
    page.wait_for_url(re.compile(r"sort=-list_price"))
    wanted = {"status": ["Active"], "min_beds": ["3"], "max_price": ["250000"], "sort": ["-list_price"]}
    assert search_of(page) == wanted
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    prices = [int(re.sub(r"\D", "", text)) for text in page.locator("article p:first-child").all_inner_texts()]
    assert prices == sorted(prices, reverse=True)
    assert prices[0] <= 250_000


def open_the_first_listing_and_come_back(page: Page) -> None:
    search = search_of(page)
    link = page.get_by_role("article").filter(has=page.locator("img")).first.get_by_role("link")
    address = link.inner_text()
    link.click()
    expect(page.get_by_role("heading", level=1, name=address)).to_be_visible()
    assert_photo_loaded(page)
    expect(page.get_by_text(re.compile(r"Source: .+ refreshed .+ C[DS]T\."))).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Listings")).to_be_visible()
    assert search_of(page) == search
    expect(page.get_by_role("complementary", name="Filters").get_by_label("Active", exact=True)).to_be_checked()


def look_at_the_feeds(page: Page) -> None:
    page.get_by_role("link", name="Feeds").first.click()
    expect(page.get_by_text("Up to date")).to_be_visible()
    bad = page.get_by_role("region", name=re.compile(r"^[\d,]+ bad records?$"))
    expect(bad).to_be_visible()
    expect(bad.get_by_role("listitem").first.locator("code").first).to_have_text(re.compile(r"\w+"))
    bad.get_by_text("Record as received").first.click()
    expect(bad.locator("pre").first).to_contain_text(re.compile(r'"ListPrice": '))


def test_wrong_password_is_refused_with_a_message(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, motion="reduce") as window:
        window.allow_refusal(401, "/oauth/sign-in")
        window.open(owner.tenant.url + "/sign-in")
        sign_in(window.page, owner.email, "not the password at all")
        expect(window.page.get_by_role("alert")).to_contain_text("The email and password do not match")
        assert_accessible_in_every_look(window, "a refused sign-in")
        assert not [c for c in window.context.cookies() if c.get("name") == "__Host-session"]


def test_used_link_says_that_it_no_longer_works(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url) as window:
        window.allow_refusal(410, "/api/v1/invitations/")
        window.open(owner.tenant.owner_link)
        expect(window.page.get_by_role("heading", name="This link no longer works")).to_be_visible()


def test_session_that_ended_leads_through_sign_in_and_back_to_the_same_search(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state) as window:
        page = window.page
        window.go("/listings?status=Active")
        window.allow_refusal(401, "/api/v1/")
        with window.held(but="Pending"):
            window.context.clear_cookies()
            page.get_by_role("complementary", name="Filters").get_by_label("Pending", exact=True).click()
            expect(page.get_by_text("Your session has ended")).to_be_visible()
        sign_in(page, owner.email, owner.password)
        expect(page.get_by_role("heading", level=1, name="Listings")).to_be_visible()
        assert search_of(page) == {"status": ["Active", "Pending"]}


def test_theme_is_chosen_remembered_and_set_before_the_page_is_drawn(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, theme="light", state=owner.state) as window:
        page = window.page
        window.go("/feeds")
        page.get_by_role("button", name="Theme: System").click()
        page.get_by_role("menuitemradio", name="Dark").click()
        page.add_init_script(
            "document.addEventListener('DOMContentLoaded', () => {"
            "  window.firstTheme = document.documentElement.dataset.theme"
            "})"
        )
        page.reload()
        assert page.evaluate("window.firstTheme") == "dark"
        expect(page.locator("html")).to_have_css("color-scheme", "dark")


@pytest.mark.parametrize(
    ("theme", "width"),
    [
        *OPPOSITES,
        *(
            pytest.param(*look, marks=pytest.mark.thorough)
            for look in (("light", 320), ("light", 768), ("dark", 768), ("dark", 1440))
        ),
    ],
)
def test_axe_finds_nothing_on_any_route(owner: Owner, windows: Windows, theme: Theme, width: int) -> None:
    with windows.open(owner.tenant.url, theme=theme, width=width, state=owner.state, motion="reduce") as window:
        found = [f"{path}: {line}" for path in visit_every_route(window, owner) for line in window.violations()]
        assert not found, "\n".join(found)


def visit_every_route(window: Window, owner: Owner) -> Iterator[str]:
    """Shows one route after another, and what opens over them, and names what is shown."""
    page = window.page
    around = "?near=42.03,-93.62&radius=1609&view=map"
    listings = ("", "?status=Active&min_beds=3", "?q=zzzzzz", "?view=list", around)
    for path in (*(f"/listings{search}" for search in listings), "/feeds"):
        window.go(path)
        assert_no_sideways_scroll(page)
        yield path
    page.get_by_text("Record as received").first.click()
    page.locator("details[open] pre").wait_for()
    assert_no_sideways_scroll(page)
    yield "a bad record as received"
    window.go("/listings")
    page.get_by_role("article").first.get_by_role("link").click()
    page.get_by_role("region", name="Photos").wait_for()
    assert_no_sideways_scroll(page)
    yield "a listing"
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    yield "the shortcuts"
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"Account of {owner.tenant.owner_name}").click()
    page.get_by_role("menu").wait_for()
    yield "the account menu"
    window.allow_refusal(410, "/api/v1/invitations/")
    window.allow_refusal(404, "/api/v1/properties/")
    used_link = urlsplit(owner.tenant.owner_link).path
    missing = "/listings/00000000-0000-7000-8000-000000000000"
    for path in (missing, "/no/such/page", used_link):
        window.go(path)
        yield path
    window.context.clear_cookies()
    window.open(window.base + "/sign-in")
    page.get_by_label("Email").wait_for()
    assert_no_sideways_scroll(page)
    yield "/sign-in"


def test_filters_open_in_a_sheet_on_a_phone(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, width=320, state=owner.state, motion="reduce") as window:
        page = window.page
        window.go("/listings")
        everything = total(page)
        opener = page.locator("button[aria-haspopup=dialog]", has_text="Filters")
        opener.click()
        sheet = page.get_by_role("dialog", name="Filters")
        sheet.get_by_label("Pending", exact=True).check()
        show = sheet.get_by_role("button", name=re.compile(r"^Show [\d,]+ listings?$"))
        expect(show).to_be_visible()
        for theme in THEMES:
            window.look(theme, 320)
            assert not window.violations(), theme
        show.click()
        expect(sheet).to_have_count(0)
        expect(opener).to_be_focused()
        assert 0 < total(page) < everything


def test_escape_closes_the_filter_sheet_keeps_the_edit_and_gives_the_focus_back(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, width=320, state=owner.state) as window:
        page = window.page
        window.go("/listings")
        opener = page.locator("button[aria-haspopup=dialog]", has_text="Filters")
        opener.focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog", name="Filters").get_by_label("Maximum price").focus()
        page.keyboard.type("250000")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(opener).to_be_focused()
        page.wait_for_url(re.compile(r"max_price=250000"))


def test_back_undoes_a_search_while_the_box_has_the_focus(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url, state=owner.state) as window:
        page = window.page
        window.go("/listings")
        box = page.get_by_label("Search listings")
        box.fill("ranch")
        box.press("Enter")
        page.wait_for_url(re.compile(r"q=ranch"))
        page.go_back()
        expect(box).to_be_focused()
        expect(box).to_have_value("")
        box.blur()
        total(page)
        assert search_of(page) == {}
        page.go_forward()
        expect(box).to_have_value("ranch")


def test_whole_walk_works_by_keyboard_alone(owner: Owner, windows: Windows) -> None:
    with windows.open(owner.tenant.url) as window:
        page = window.page
        window.open(owner.tenant.url + "/sign-in")
        page.get_by_label("Email").wait_for()
        tab_to(page, "[name=email]")
        page.keyboard.type(owner.email)
        tab_to(page, "[name=password]")
        page.keyboard.type(owner.password)
        page.keyboard.press("Enter")
        total(page)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        page.keyboard.press("/")
        page.keyboard.type("ranch")
        page.wait_for_url(re.compile(r"q=ranch"))
        total(page)
        tab_to(page, "article a")
        address = page.locator(":focus").inner_text()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name=address)).to_be_focused()
        tab_to(page, "main a[href^='/listings']", backwards=True)
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name=address).first).to_be_focused()
        assert search_of(page) == {"q": ["ranch"]}
        leave_by_keyboard(window)


def leave_by_keyboard(window: Window) -> None:
    page = window.page
    page.keyboard.press("g")
    page.keyboard.press("f")
    expect(page.get_by_role("heading", level=1, name="Feeds")).to_be_focused()
    tab_to(page, "header nav a[href='/listings']", backwards=True)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("header nav a[href='/listings']")).to_be_focused()
    tab_to(page, "button:has-text('Account of')", backwards=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_focused()
    with window.held(but="/auth/"):  # the page follows its feeds
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


ASK_FOR_A_WHILE = """async () => {
    const until = performance.now() + 1500;
    const lost = [];
    while (performance.now() < until) {
        await fetch("/version", { cache: "no-store" }).catch((error) => lost.push(String(error)));
    }
    return lost;
}"""


def test_a_page_loses_no_request_when_interfaces_come_and_go_as_those_of_pods_do(
    owner: Owner, windows: Windows
) -> None:
    with windows.open(owner.tenant.url, state=owner.state) as window:
        window.go("/listings")
        for _ in range(3):
            ip("link", "add", "passer", "type", "veth", "peer", "name", "passer-peer")
            try:
                ip("link", "set", "passer", "up")
                ip("link", "set", "passer-peer", "up")
                lost = window.page.evaluate(ASK_FOR_A_WHILE)
            finally:
                ip("link", "delete", "passer")
            assert lost == []


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
