"""What the browser tests share: a brokerage with listings, its owner signed in, and how to go about its pages.

One brokerage for all of them; it is a plugin and no conftest, so that other end-to-end tests start no browser.
"""

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
from .browser import OPPOSITES, THEMES, WIDTHS, Window, Windows
from .conftest import IS_WHOLE
from .web_tenant import WebTenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Kubectl

LOOKS = sorted(product(THEMES, WIDTHS), reverse=True) if IS_WHOLE else OPPOSITES
PASSWORD = "a quiet row of roofs at dusk"


@dataclass(frozen=True)
class Owner:
    """Someone with an account, and the cookies of a browser in which they are signed in."""

    tenant: WebTenant
    email: str
    password: str
    state: StorageState


@pytest.fixture(scope="session")
def listed_tenant(kubectl: Kubectl) -> Iterator[WebTenant]:
    with web_tenant.opened(kubectl) as created:
        yield created


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def owner(chromium: Browser, listed_tenant: WebTenant) -> Owner:
    """The first half of the walk, once: the link, name and password, the first sign-in, the listings."""
    tenant = listed_tenant
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
    """axe, and no sideways scroll, in both themes, and for `make full` each width; leaves the page light and wide."""
    found: list[str] = []
    for theme, width in LOOKS:
        window.look(theme, width)
        assert_no_sideways_scroll(window.page)
        found += [f"{what}, {theme}, {width} px: {line}" for line in window.violations()]
    window.look("light", 1440)
    assert not found, "\n".join(found)


def search_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def total(page: Page) -> int:
    """The number of matches that the page announces, once it has stopped searching."""
    line = page.get_by_role("status").filter(has_text=re.compile(r"^[\d,]+ listings?$"))
    expect(line).to_be_visible()
    return int(re.sub(r"\D", "", line.inner_text()))


TOO_WIDE = """() => document.documentElement.scrollWidth <= window.innerWidth ? [] : [...document.querySelectorAll('*')]
    .filter(element => element.getBoundingClientRect().right > window.innerWidth)
    .map(element => element.outerHTML.slice(0, 160))"""


def assert_no_sideways_scroll(page: Page) -> None:
    too_wide = page.evaluate(TOO_WIDE)
    assert not too_wide, f"{page.url} scrolls sideways at {page.viewport_size}: {too_wide}"


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
