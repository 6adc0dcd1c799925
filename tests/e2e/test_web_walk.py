"""The web app in a real Chromium against the real stack: a brokerage's owner, from the one-time link to signing out."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright

from . import browser, web_tenant
from .browser import THEMES, WIDTHS, Theme, Window, Windows
from .web_tenant import WebTenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]  # the fixtures have deadlines of their own
PASSWORD = "a quiet row of roofs at dusk"


@dataclass(frozen=True)
class Owner:
    """Someone with an account, and the cookies of a browser in which they are signed in."""

    tenant: WebTenant
    email: str
    password: str
    state: StorageState


@pytest.fixture(scope="module")
def tenant(kubectl: Kubectl) -> Iterator[WebTenant]:
    with web_tenant.opened(kubectl) as created:
        yield created


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    home = tmp_path_factory.mktemp("chromium-home")
    browser.trust(home, Path(os.environ["ROOFTREE_CA_FILE"]))
    with sync_playwright() as playwright:
        running = browser.launch(playwright, home)
        yield running
        running.close()


@pytest.fixture
def windows(chromium: Browser, request: pytest.FixtureRequest) -> Windows:
    return Windows(chromium, request.node.name)


@pytest.fixture(scope="module")
def owner(chromium: Browser, tenant: WebTenant) -> Owner:
    """The first half of the walk, once: the link, name and password, the first sign-in, the listings."""
    with Windows(chromium, "owner-link").open(tenant.url, motion="reduce") as window:
        page = window.page
        window.open(tenant.owner_link)
        expect(page.get_by_role("heading", name=f"Welcome to {tenant.display_name}")).to_be_visible()
        expect(page.get_by_label("Email")).to_have_value(tenant.owner_email)
        expect(page.get_by_label("Your name")).to_have_value(tenant.owner_name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        expect(page.get_by_text("Strong.")).to_be_visible()
        assert_accessible_in_every_look(window, "the invitation")
        page.get_by_role("button", name="Set password and continue").click()
        sign_in(page, tenant.owner_email, PASSWORD)
        expect(page.get_by_role("heading", level=1, name="Listings")).to_be_visible()
        return Owner(tenant, tenant.owner_email, PASSWORD, window.context.storage_state())


def sign_in(page: Page, email: str, password: str) -> None:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def assert_accessible_in_every_look(window: Window, what: str) -> None:
    """axe in both themes and the three widths, and no sideways scroll; leaves the page light and wide."""
    found: list[str] = []
    for theme, width in sorted(product(THEMES, WIDTHS), reverse=True):
        window.look(theme, width)
        assert_no_sideways_scroll(window.page)
        found += [f"{what}, {theme}, {width} px: {line}" for line in window.violations()]
    assert not found, "\n".join(found)


def search_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def total(page: Page) -> int:
    """The number of matches that the page announces, once it has stopped searching."""
    line = page.get_by_role("status").filter(has_text=re.compile(r"^[\d,]+ listings?$"))
    expect(line).to_be_visible()
    return int(re.sub(r"\D", "", line.inner_text()))


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
        window.context.clear_cookies()
        window.allow_refusal(401, "/api/v1/")
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


@pytest.mark.parametrize("width", sorted(WIDTHS))
@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_any_route(owner: Owner, windows: Windows, theme: Theme, width: int) -> None:
    with windows.open(owner.tenant.url, theme=theme, width=width, state=owner.state, motion="reduce") as window:
        found = [f"{path}: {line}" for path in visit_every_route(window, owner) for line in window.violations()]
        assert not found, "\n".join(found)


def visit_every_route(window: Window, owner: Owner) -> Iterator[str]:
    """Shows one route after another, and what opens over them, and names what is shown."""
    page = window.page
    for path in ("/listings", "/listings?status=Active&min_beds=3", "/listings?q=zzzzzz", "/feeds"):
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


def assert_no_sideways_scroll(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{page.url} scrolls sideways"


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
        leave_by_keyboard(page)


def leave_by_keyboard(page: Page) -> None:
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
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


SEES_FOCUS = """() => {
    let element = document.activeElement;
    for (let up = 0; element && up < 4; up += 1, element = element.parentElement) {
        const style = getComputedStyle(element);
        if (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) return true;
    }
    return false;
}"""


def tab_to(page: Page, selector: str, *, backwards: bool = False, limit: int = 80) -> None:
    """Presses Tab until the wanted element has the focus, which must be visible at every stop."""
    wanted = page.locator(selector)
    for _ in range(limit):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        focused = page.locator(":focus")
        if focused.count() == 0:
            continue  # the browser's own frame
        assert page.evaluate(SEES_FOCUS), (
            f"no visible focus on {focused.evaluate('element => element.outerHTML')[:200]}"
        )
        if wanted.and_(focused).count():
            return
    raise AssertionError(f"{selector} was not reached by {limit} presses of Tab")
